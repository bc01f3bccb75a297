// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTHTTP
import PBTReport

/// A table of experiments.
struct RunsTable {
    /// The experiments, in order.
    let records: [ExperimentRecord]
    let request: PageRequest
    /// The parts that need the experiments' intervals, by name.
    var summaries: [String: Summary] = [:]
    var filter = ""
    /// A Boolean value indicating whether the rows have checkboxes.
    var isSelectable = true

    /// The maximum number of experiments shown without `?all=1`.
    private static let limit = 200

    var html: HTML {
        let words = filter.lowercased().split(separator: " ")
        let found = records.filter { record in
            let text = "\(record.experiment.name) \(record.state.rawValue)".lowercased()
            return words.allSatisfy { text.contains($0) }
        }
        let shown = request.call.query["all"] == "1" ? found[...] : found.prefix(Self.limit)
        return tag("div", ["id": "live-runs"]) {
            scrollRegion("experiments") {
                table(headings, class: "runs") { for record in shown { row(record) } }
            }
            if found.isEmpty {
                tag("p", ["class": "note"]) { "No experiments match \"\(filter.prefix(100))\" by name or state." }
            } else if shown.count < found.count {
                tag("p", ["class": "note"]) {
                    "showing the newest \(shown.count) of \(found.count) · "
                    tag("a", ["href": "?all=1"]) { "show all" }
                }
            }
        }
    }

    private var headings: [ColumnHeading] {
        let selection = ColumnHeading(tag("span", ["class": "unseen"]) { "select" })
        return (isSelectable ? [selection] : []) + [
            "experiment", "state", .number("intervals"), .number("best"), "metric", .number("vs. random search"),
            .number("members"), "started", .number("took"),
        ]
    }

    private func row(_ record: ExperimentRecord) -> HTML {
        let experiment = record.experiment
        let summary = summaries[experiment.name]
        return tag("tr") {
            if isSelectable {
                tag("td") {
                    void(
                        "input",
                        [
                            "type": "checkbox", "name": "run", "value": experiment.name,
                            "aria-label": "compare \(PlainText.middle(PlainText.line(experiment.name), width: 60))",
                        ])
                }
            }
            tag("th", ["scope": "row"]) {
                tag("a", ["href": Links.experiment(experiment.name)]) { Formatting.name(experiment.name) }
            }
            tag("td") { StateTag.experiment(record.state) }
            tag("td", ["class": "n"]) { progress(record) }
            tag("td", ["class": "n"]) { Formatting.score(record.bestScore) }
            tag("td") {
                Formatting.name(experiment.objective.metric, width: 24)
                " \(Formatting.arrow(experiment.objective.goal))"
                if let metrics = summary?.metrics, !metrics.isEmpty {
                    tag("span", ["class": "note"]) { " \(OtherMetric.line(metrics, atMost: 3))" }
                }
            }
            tag("td", ["class": "n", "title": summary?.verdict?.text]) { summary?.verdict?.short ?? "–" }
            tag("td", ["class": "n"]) { "\(experiment.population)" }
            tag("td") { Formatting.ago(record.created, now: request.now) }
            tag("td", ["class": "n"]) { Formatting.duration((record.ended ?? request.now).since(record.created)) }
        }
    }

    private func progress(_ record: ExperimentRecord) -> HTML {
        guard !record.experiment.isEndless else { return HTML("\(record.intervalsFinished)") }
        return HTML("\(record.intervalsFinished) / \(record.intervalsPlanned) ")
            + tag(
                "progress",
                [
                    "max": "\(max(1, record.intervalsPlanned))", "value": "\(record.intervalsFinished)",
                    "aria-label": "finished",
                ]
            ) {}
    }
}
