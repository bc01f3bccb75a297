// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTHTTP
import PBTServer
import PBTReport

/// Several experiments beside each other.
struct ComparePage {
    let request: PageRequest

    /// How many are compared at most.
    private static let limit = 12

    func reply() async throws -> Reply {
        let options = try ViewOptions(request.call.query)
        let records = try await request.server.store.experiments()
        let names = try chosen(among: records.map(\.experiment.name))
        var compared: [Snapshot] = []
        for name in names.prefix(Self.limit) {
            compared.append(try await request.dashboard.snapshots.snapshot(of: name))
        }
        return Layout(title: "Compare · pbt", request: request).reply {
            tag("h1") { "Compare" }
            if names.count > Self.limit {
                tag("p", ["class": "banner warn"]) {
                    "Showing the first \(Self.limit) of \(names.count) that were chosen."
                }
            }
            if !compared.isEmpty { Comparison(compared: compared, options: options).html }
            choice(records.reversed(), Set(names))
        }
    }

    /// Those that `?runs=a,b` and `?run=a&run=b` name.
    ///
    /// A name may hold commas: the longest that there is counts.
    private func chosen(among names: [String]) throws -> [String] {
        let known = Set(names)
        var chosen: [String] = []
        for name in request.values("run") {
            guard known.contains(name) else { throw Self.missing(name, among: names) }
            chosen.append(name)
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
                    throw Self.missing(String(parts[parts.startIndex]), among: names)
                }
                chosen.append(parts.prefix(count).joined(separator: ","))
                parts.removeFirst(count)
            }
        }
        var seen: Set<String> = []
        return chosen.filter { seen.insert($0).inserted }
    }

    private static func missing(_ name: String, among names: [String]) -> PBTError {
        let advice = nearest(to: name, among: names).map { "; did you mean \"\($0)\"?" } ?? ""
        return PBTError(.noSuchExperiment, "there is no experiment \"\(name.prefix(200))\"\(advice)")
    }

    private func choice(_ records: [ExperimentRecord], _ chosen: Set<String>) -> HTML {
        tag("details", ["id": "choice", "class": "card wide", "open": chosen.isEmpty ? "" : nil]) {
            tag("summary") { "Choose experiments" }
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
                                        "checked": chosen.contains(record.experiment.name) ? "" : nil,
                                    ])
                                " "
                                Formatting.name(record.experiment.name)
                            }
                        }
                    }
                    tag("button", [:]) { "compare" }
                }
            }
        }
    }
}
