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

/// Experiments beside each other: how good, at what cost, and in which settings they differ.
struct Comparison {
    let compared: [Snapshot]
    let options: ViewOptions

    var html: HTML {
        var chart = options.chart(of: compared[0].history, theme: .page)
        chart.hyperparameters = []
        let picture = Chart.comparison(of: compared.map(\.history), options: chart)
        return tag("section", ["id": "live-comparison", "class": "card wide"]) {
            tag("h2") { "Best so far by budget" }
            tag("div", ["class": "chart scroll", "tabindex": "0", "role": "region", "aria-label": "comparison"]) {
                HTML.picture(picture)
            }
            tag("p", ["class": "note"]) { picture.summary }
        } + results
    }

    private var results: HTML {
        tag("section", ["id": "live-compare", "class": "card wide"]) {
            tag("h2") { "Results" }
            tag("div", ["class": "scroll", "tabindex": "0", "role": "region", "aria-label": "results"]) {
                tag("table") {
                    tag("thead") {
                        tag("tr") {
                            for (title, isNumber) in Self.titles {
                                tag("th", ["scope": "col", "class": isNumber ? "n" : nil]) { title }
                            }
                        }
                    }
                    tag("tbody") { for snapshot in compared { row(snapshot) } }
                }
            }
        }
            + differences
    }

    private static let titles = [
        ("experiment", false), ("state", false), ("metric", false), ("best", true), ("median", true),
        ("random search", true), ("intervals", true), ("best after", true), ("best so far", false),
    ]

    private func row(_ snapshot: Snapshot) -> HTML {
        let history = snapshot.history
        let improvements = history.bestSoFar(by: .finished)
        let scores = history.families.population.compactMap { history.genealogy[$0] }.compactMap { interval in
            interval.state == .done ? interval.score : interval.parent.flatMap { history.genealogy[$0]?.score }
        }.filter(\.isFinite).sorted()
        return tag("tr") {
            tag("th", ["scope": "row"]) {
                tag("a", ["href": Links.experiment(snapshot.name)]) { Formatting.name(snapshot.name) }
            }
            tag("td") { StateTag.experiment(snapshot.record.state) }
            tag("td") {
                Formatting.name(snapshot.experiment.objective.metric, width: 24)
                " \(Formatting.arrow(snapshot.experiment.objective.goal))"
            }
            tag("td", ["class": "n"]) { Formatting.score(history.best?.score) }
            tag("td", ["class": "n", "title": "of the members' newest scores"]) {
                Formatting.score(scores.isEmpty ? nil : scores[scores.count / 2])
            }
            tag("td", ["class": "n"]) { Formatting.score(history.baselineBest?.score) }
            tag("td", ["class": "n"]) { "\(snapshot.record.intervalsFinished)" }
            tag("td", ["class": "n"]) { improvements.last.map { "\($0.at)" } ?? "–" }
            tag("td") {
                tag("span", ["aria-hidden": "true"]) {
                    Sparkline.text(line(improvements, snapshot.record.intervalsFinished), width: 24)
                }
            }
        }
    }

    private func line(_ improvements: [Improvement], _ finished: Int) -> [Double] {
        var numbers: [Double] = []
        var place = 0
        for step in 0..<24 where !improvements.isEmpty {
            let at = max(1, (step + 1) * finished / 24)
            while place + 1 < improvements.count, improvements[place + 1].at <= at { place += 1 }
            numbers.append(improvements[place].at <= at ? improvements[place].score : .nan)
        }
        return numbers
    }

    /// The settings that are not the same everywhere.
    private var differences: HTML {
        let values = compared.map { $0.experiment.value.object ?? [:] }
        let keys = Set(values.flatMap(\.keys)).sorted().filter { key in
            key != "name" && values.contains { $0[key] != values.first?[key] }
        }
        return tag("section", ["class": "card wide"]) {
            tag("h2") { "Settings that differ" }
            if keys.isEmpty {
                tag("p", ["class": "note"]) {
                    compared.count < 2 ? "Choose a second experiment to compare with." : "None: they are defined alike."
                }
            } else {
                tag(
                    "div", ["class": "scroll", "tabindex": "0", "role": "region", "aria-label": "settings that differ"]
                ) {
                    tag("table") {
                        tag("thead") {
                            tag("tr") {
                                tag("th", ["scope": "col"]) { "setting" }
                                for snapshot in compared {
                                    tag("th", ["scope": "col"]) { Formatting.name(snapshot.name, width: 32) }
                                }
                            }
                        }
                        tag("tbody") {
                            for key in keys {
                                tag("tr") {
                                    tag("th", ["scope": "row"]) { key }
                                    for value in values {
                                        tag("td", ["class": "wrap"]) {
                                            if let value = value[key] {
                                                tag("code") {
                                                    PlainText.middle(
                                                        PlainText.line(value.string ?? value.json), width: 400)
                                                }
                                            } else {
                                                "–"
                                            }
                                        }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
