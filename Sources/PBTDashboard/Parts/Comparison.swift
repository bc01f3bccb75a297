// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTReport

/// A comparison of experiments: scores over the budget, results, and the settings that differ.
struct Comparison {
    let compared: [Snapshot]
    let options: ViewOptions

    var html: HTML {
        var chartOptions = options.chart(of: compared[0].history, theme: .page)
        chartOptions.hyperparameters = []
        let chart = Chart.comparison(of: compared.map(\.history), options: chartOptions)
        return tag("section", ["id": "live-comparison", "class": "card wide"]) {
            tag("h2") { "Best score vs. budget" }
            tag("div", ["class": "chart scroll", "tabindex": "0", "role": "region", "aria-label": "comparison"]) {
                HTML.picture(chart)
            }
            tag("p", ["class": "note"]) { chart.summary }
        } + results
    }

    private var results: HTML {
        tag("section", ["id": "live-compare", "class": "card wide"]) {
            tag("h2") { "Results" }
            scrollRegion("results") { table(Self.headings) { for snapshot in compared { row(snapshot) } } }
        } + differences
    }

    private static let headings: [ColumnHeading] = [
        "experiment", "state", "metric", .number("best"), .number("median"), .number("random search"),
        .number("intervals"), .number("best after"), "best so far",
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
            tag("td", ["class": "n", "title": history.verdict?.text]) { Formatting.score(history.baselineBest?.score) }
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

    /// The settings that are not the same in all experiments.
    private var differences: HTML {
        let values = compared.map { $0.experiment.value.object ?? [:] }
        let keys = Set(values.flatMap(\.keys)).sorted().filter { key in
            key != "name" && values.contains { $0[key] != values.first?[key] }
        }
        return tag("section", ["class": "card wide"]) {
            tag("h2") { "Settings that differ" }
            if keys.isEmpty {
                tag("p", ["class": "note"]) {
                    compared.count < 2 ? "Select a second experiment to compare with." : "Settings are identical."
                }
            } else {
                scrollRegion("settings that differ") { settingsTable(keys, values) }
            }
        }
    }

    private func settingsTable(_ keys: [String], _ values: [[String: Value]]) -> HTML {
        let names = compared.map { ColumnHeading(Formatting.name($0.name, width: 32)) }
        return table(["setting"] + names) {
            for key in keys {
                tag("tr") {
                    tag("th", ["scope": "row"]) { key }
                    for value in values {
                        tag("td", ["class": "wrap"]) {
                            if let value = value[key] {
                                tag("code") {
                                    PlainText.middle(PlainText.line(value.string ?? value.json), width: 400)
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
