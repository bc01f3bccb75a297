// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTHTTP
import PBTServer
import PBTReport

/// How an experiment stands, on one page.
struct OverviewPage {
    let experiment: ExperimentContext

    /// The revisions of the definition; none while it was never edited.
    private func revisions() async throws -> [Revision] {
        guard experiment.record.revisionNumber > 0 else { return [experiment.record.firstRevision] }
        return try await experiment.request.server.store.revisions(of: experiment.name)
    }

    /// How many members are shown.
    private static let members = 10

    func reply() async throws -> Reply {
        let revisions = try await revisions()
        await experiment.snapshot.drawAhead(
            [.curves, .schedule, .lineage, .share, .scatter],
            experiment.options.chart(of: experiment.history, theme: .page))
        return experiment.layout().reply {
            Banners(opened: experiment).html
            Tiles(opened: experiment).html
            tag("div", ["class": "grid"]) {
                Card(opened: experiment, kind: .curves).html
                Card(opened: experiment, kind: .schedule, title: scheduleTitle).html
                Card(opened: experiment, kind: .lineage).html
                tag("div", ["class": "stack"]) {
                    Card(opened: experiment, kind: .share).html
                    Card(opened: experiment, kind: .scatter).html
                }
            }
            PathLine.html
            top(experiment.memberRows())
            control
            RevisionsTable(revisions: revisions).html
            definition
        }
    }

    private var scheduleTitle: String {
        guard let tip = experiment.options.tip else { return "Schedule of the best" }
        return "Schedule of \(tip)"
    }

    private func top(_ rows: [MemberRow]) -> HTML {
        let table = MembersTable(experiment, rows: rows)
        let shown = table.rows.prefix(Self.members)
        return tag("section", ["id": "live-members", "class": "card wide"]) {
            tag("h2") {
                rows.count > shown.count ? "Members, the best \(shown.count) of \(rows.count)" : "Members"
            }
            if rows.isEmpty {
                tag("p", ["class": "note"]) { "There are no members yet." }
            } else {
                table.html(shown, isSortable: false, caption: "members")
                table.note
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
                for verb in ControlPage.Verb.those(for: experiment.record) {
                    tag("a", ["href": Links.experiment(experiment.name, "control/\(verb.rawValue)")]) {
                        "\(verb.rawValue)…"
                    }
                    " "
                }
            }
        }
    }

    private var definition: HTML {
        let values = (experiment.experiment.value.object ?? [:]).sorted { $0.key < $1.key }
        return tag("details", ["id": "definition", "class": "card wide"]) {
            tag("summary") { "Definition" }
            tag("div", ["class": "scroll", "tabindex": "0", "role": "region", "aria-label": "definition"]) {
                tag("table", ["class": "facts"]) {
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

/// The line in which the script spells out what is pinned.
enum PathLine {
    static var html: HTML { tag("p", ["id": "path", "class": "path"]) {} }
}
