// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTCheckpoints
import PBTHTTP
import PBTServer
import PBTReport
import SystemPackage

/// The page with the list of experiments.
struct RunsPage {
    let request: PageRequest

    func reply() async throws -> Reply {
        // Before the rows: events that come while they are read count as new.
        let revision = try await request.server.store.lastEvent()
        let records = try await request.server.store.experiments()
        let summaries = try await request.dashboard.summaries.summaries(of: records.reversed())
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
                    tag("button", [:]) { "Filter" }
                }
                tag("form", ["action": "/compare"]) {
                    RunsTable(
                        records: records.reversed(), request: request, summaries: summaries, filter: filter
                    ).html
                    tag("button", [:]) { "Compare selected" }
                }
            }
        }
    }

    private var empty: HTML {
        tag("section", ["class": "card wide"]) {
            tag("p") { "There are no experiments yet. Start one on the server:" }
            tag("p") { tag("code", ["class": "command"]) { request.command("run", "experiment.yaml") } }
            tag("p") {
                "or send one to the API ("
                tag("code") { "POST /api/v1/experiments" }
                "). It will appear here automatically."
            }
            if let data = request.server.data {
                tag("p", ["class": "note"]) {
                    "Checkpoints and logs of this store: "
                    tag("code") { data.root.string }
                }
            }
        }
    }
}
