// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTHTTP
import PBTServer
import PBTReport

/// The page that compares experiments.
struct ComparePage {
    let request: PageRequest

    /// The maximum number of experiments compared.
    private static let limit = 12

    func reply() async throws -> Reply {
        let options = try ViewOptions(request.call.query)
        let records = try await request.server.store.experiments()
        let names = try selected(among: records.map(\.experiment.name))
        var compared: [Snapshot] = []
        for name in names.prefix(Self.limit) {
            compared.append(try await request.dashboard.snapshots.snapshot(of: name))
        }
        return Layout(title: "Compare · pbt", request: request).reply {
            tag("h1") { "Compare" }
            if names.count > Self.limit {
                tag("p", ["class": "banner warn"]) {
                    "Showing the first \(Self.limit) of \(names.count) selected experiments."
                }
            }
            if !compared.isEmpty { Comparison(compared: compared, options: options).html }
            selection(records.reversed(), Set(names))
        }
    }

    /// Returns the experiments that `?runs=a,b` and `?run=a&run=b` name, without duplicates.
    ///
    /// Names may hold commas: the longest existing name is taken.
    ///
    /// - Throws: A `PBTError` with code `noSuchExperiment`.
    private func selected(among existing: [String]) throws -> [String] {
        let known = Set(existing)
        var names: [String] = []
        for name in request.values("run") {
            guard known.contains(name) else { throw Self.missing(name, among: existing) }
            names.append(name)
        }
        for list in request.values("runs") {
            var parts = list.split(separator: ",", omittingEmptySubsequences: false)[...]
            while !parts.isEmpty {
                let count = (1...parts.count).reversed().first {
                    known.contains(parts.prefix($0).joined(separator: ","))
                }
                guard let count else {
                    if parts[parts.startIndex].isEmpty {
                        parts.removeFirst()
                        continue
                    }
                    throw Self.missing(String(parts[parts.startIndex]), among: existing)
                }
                names.append(parts.prefix(count).joined(separator: ","))
                parts.removeFirst(count)
            }
        }
        var seen: Set<String> = []
        return names.filter { seen.insert($0).inserted }
    }

    private static func missing(_ name: String, among names: [String]) -> PBTError {
        let advice = nearest(to: name, among: names).map { "; did you mean \"\($0)\"?" } ?? ""
        return PBTError(.noSuchExperiment, "there is no experiment \"\(name.prefix(200))\"\(advice)")
    }

    private func selection(_ records: [ExperimentRecord], _ selected: Set<String>) -> HTML {
        tag("details", ["id": "choice", "class": "card wide", "open": selected.isEmpty ? "" : nil]) {
            tag("summary") { "Select experiments" }
            if records.isEmpty {
                tag("p", ["class": "note"]) { "There are no experiments yet." }
            } else {
                tag("form", [:]) {
                    for record in records.prefix(200) {
                        tag("p") {
                            tag("label") {
                                void(
                                    "input",
                                    [
                                        "type": "checkbox", "name": "run", "value": record.experiment.name,
                                        "checked": selected.contains(record.experiment.name) ? "" : nil,
                                    ])
                                " "
                                Formatting.name(record.experiment.name)
                            }
                        }
                    }
                    tag("button", [:]) { "Compare" }
                }
            }
        }
    }
}
