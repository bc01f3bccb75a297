// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTCheckpoints
import PBTHTTP
import PBTServer
import PBTReport
import SystemPackage

/// The list of experiments.
struct RunsPage {
    let request: PageRequest

    func reply() async throws -> Reply {
        // Before the rows: what happens while they are read is news.
        let revision = try await request.server.store.lastEvent()
        let records = try await request.server.store.experiments()
        let filter = request.call.query["filter"] ?? ""
        let running = records.count { $0.state == .running }
        let title = "\(Formatting.count(records.count, "experiment"))\(running > 0 ? ", \(running) running" : "") · pbt"
        var layout = Layout(title: title, request: request)
        layout.live = request.isStill ? nil : "/live"
        layout.facts = tag(
            "div", ["id": "live-facts", "hidden": "", "data-rev": "\(revision)", "data-title": title]
        ) {}
        return layout.reply {
            tag("h1") { "Experiments" }
            if records.isEmpty {
                tag("div", ["id": "live-runs"]) { empty }
            } else {
                tag("form", ["class": "filter", "role": "search"]) {
                    tag("label") {
                        "Filter "
                        void(
                            "input",
                            [
                                "type": "search", "name": "filter", "id": "filter",
                                "value": filter.isEmpty ? nil : filter,
                            ])
                    }
                    tag("button", [:]) { "filter" }
                }
                tag("form", ["action": "/compare"]) {
                    RunsTable(records: records.reversed(), request: request, filter: filter).html
                    tag("button", [:]) { "compare those that are chosen" }
                }
            }
        }
    }

    private var empty: HTML {
        tag("section", ["class": "card wide"]) {
            tag("p") { "There are no experiments yet. Start one where the store is:" }
            tag("p") { tag("code", ["class": "command"]) { request.command("run", "experiment.yaml") } }
            tag("p") {
                "or send one to this server ("
                tag("code") { "POST /api/v1/experiments" }
                "). It appears here by itself."
            }
            if let data = request.server.data {
                tag("p", ["class": "note"]) {
                    "The checkpoints and logs of this store are in "
                    tag("code") { data.root.string }
                }
            }
        }
    }
}

/// Experiments as a table.
struct RunsTable {
    let records: [ExperimentRecord]
    let request: PageRequest
    var filter = ""
    var canChoose = true

    /// How many are shown unless all are asked for.
    private static let limit = 200

    var html: HTML {
        let words = filter.lowercased().split(separator: " ")
        let found = records.filter { record in
            let text = "\(record.experiment.name) \(record.state.rawValue)".lowercased()
            return words.allSatisfy { text.contains($0) }
        }
        let shown = request.call.query["all"] == "1" ? found[...] : found.prefix(Self.limit)
        return tag("div", ["id": "live-runs"]) {
            tag("div", ["class": "scroll", "tabindex": "0", "role": "region", "aria-label": "experiments"]) {
                tag("table", ["class": "runs"]) {
                    head
                    tag("tbody") { for record in shown { row(record) } }
                }
            }
            if found.isEmpty {
                tag("p", ["class": "note"]) { "No experiment has \"\(filter.prefix(100))\" in its name or state." }
            } else if shown.count < found.count {
                tag("p", ["class": "note"]) {
                    "showing the newest \(shown.count) of \(found.count) · "
                    tag("a", ["href": "?all=1"]) { "show all" }
                }
            }
        }
    }

    private var head: HTML {
        tag("thead") {
            tag("tr") {
                if canChoose { tag("th", ["scope": "col"]) { tag("span", ["class": "unseen"]) { "choose" } } }
                for (title, isNumber) in Self.titles {
                    tag("th", ["scope": "col", "class": isNumber ? "n" : nil]) { title }
                }
            }
        }
    }

    private static let titles = [
        ("experiment", false), ("state", false), ("intervals", true), ("best", true), ("metric", false),
        ("vs random search", true), ("members", true), ("started", false), ("took", true),
    ]

    private func row(_ record: ExperimentRecord) -> HTML {
        let experiment = record.experiment
        let baseline = experiment.baseline.flatMap { baseline in
            records.first { $0.experiment.name == baseline.name }
        }
        return tag("tr") {
            if canChoose {
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
            }
            tag("td", ["class": "n"]) {
                if let best = record.bestScore, let other = baseline?.bestScore {
                    Formatting.difference(best, other)
                } else {
                    "–"
                }
            }
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
