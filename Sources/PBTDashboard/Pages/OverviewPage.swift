// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTHTTP
import PBTServer
import PBTReport

/// The overview of an experiment: banners, key figures, charts, the best members, and the definition.
struct OverviewPage {
    let experiment: ExperimentContext

    /// Returns the revisions of the definition; they are read only if it was ever edited.
    private func revisions() async throws -> [Revision] {
        guard experiment.record.revisionNumber > 0 else { return [experiment.record.firstRevision] }
        return try await experiment.request.server.store.revisions(of: experiment.name)
    }

    /// The maximum number of members shown.
    private static let members = 10

    func reply() async throws -> Reply {
        let revisions = try await revisions()
        let rows = experiment.memberRows()
        let members = try MembersTable(experiment, rows: rows)
        await experiment.snapshot.prefetch(
            [.curves, .schedule, .lineage, .share, .scatter],
            experiment.options.chart(of: experiment.history, theme: .page))
        return experiment.layout().reply {
            Banners(experiment: experiment).html
            Tiles(experiment: experiment).html
            counts
            tag("div", ["class": "grid"]) {
                ChartCard(experiment: experiment, kind: .curves).html
                ChartCard(experiment: experiment, kind: .schedule, title: scheduleTitle).html
                ChartCard(experiment: experiment, kind: .lineage).html
                tag("div", ["class": "stack"]) {
                    ChartCard(experiment: experiment, kind: .share).html
                    ChartCard(experiment: experiment, kind: .scatter).html
                }
            }
            PathLine.html
            top(members)
            control
            RevisionsTable(revisions: revisions).html
            definition
        }
    }

    private var scheduleTitle: String {
        guard let tip = experiment.options.tip else { return "Schedule of the best" }
        return "Schedule of \(tip)"
    }

    /// The number of intervals in each state, with links to them.
    private var counts: HTML {
        let counts = experiment.record.counts
        return tag("p", ["id": "live-counts", "class": "options"]) {
            experiment.hasJobs ? "Jobs:" : "Intervals:"
            for state in [Interval.State.done, .running, .waiting, .diverged, .failed] {
                if let count = counts[state], count > 0 || state != .diverged {
                    tag(
                        "a",
                        [
                            "href": Links.experiment(experiment.name, "members")
                                + "?rows=intervals&filter=state%3A\(state.rawValue)"
                        ]
                    ) { "\(count) \(state.rawValue)" }
                }
            }
        }
    }

    private func top(_ membersTable: MembersTable) -> HTML {
        let rows = membersTable.rows
        let shown = rows.prefix(Self.members)
        return tag("section", ["id": "live-members", "class": "card wide"]) {
            tag("h2") {
                rows.count > shown.count ? "Members (top \(shown.count) of \(rows.count))" : "Members"
            }
            if rows.isEmpty {
                tag("p", ["class": "note"]) { "There are no members yet." }
            } else {
                membersTable.html(shown, isSortable: false, caption: "members")
                membersTable.note
                if rows.count > shown.count {
                    tag("p", ["class": "note"]) {
                        "showing \(shown.count) of \(rows.count) · "
                        tag("a", ["href": Links.experiment(experiment.name, "members")]) { "show all" }
                    }
                }
            }
        }
    }

    private var control: HTML {
        tag("nav", ["id": "live-control", "class": "control", "aria-label": "control"]) {
            if experiment.request.mayControl {
                for action in ControlAction.available(for: experiment.record) {
                    tag("a", ["href": Links.experiment(experiment.name, "control/\(action.rawValue)")]) {
                        "\(action.rawValue)…"
                    }
                    " "
                }
            }
        }
    }

    private var definition: HTML {
        let values = (experiment.definition.value.object ?? [:]).sorted { $0.key < $1.key }
        return tag("details", ["id": "definition", "class": "card wide"]) {
            tag("summary") { "Definition" }
            scrollRegion("definition") {
                table([], class: "facts") {
                    for (key, value) in values {
                        tag("tr") {
                            tag("th", ["scope": "row"]) { key }
                            tag("td") {
                                tag("code") { PlainText.line(String((value.string ?? value.json).prefix(4000))) }
                            }
                        }
                    }
                }
            }
        }
    }
}
