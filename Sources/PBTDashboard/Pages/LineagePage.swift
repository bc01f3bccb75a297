// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTHTTP
import PBTReport

/// Who copied whom.
struct LineagePage {
    let experiment: ExperimentContext

    /// How many copies are listed.
    private static let limit = 100

    func reply() -> Reply {
        experiment.layout("Lineage").reply {
            Card(opened: experiment, kind: .lineage).html
            PathLine.html
            copies
        }
    }

    private var copies: HTML {
        let all = experiment.history.exploits.sorted {
            ($0.created, $0.id) > ($1.created, $1.id)
        }
        let shown = all.prefix(Self.limit)
        return tag("section", ["id": "live-copies", "class": "card wide"]) {
            tag("h2") { "Copies, the newest first" }
            if all.isEmpty {
                tag("p", ["class": "note"]) { "No member has taken over another's checkpoint yet." }
            } else {
                tag("div", ["class": "scroll", "tabindex": "0", "role": "region", "aria-label": "copies"]) {
                    tag("table") {
                        tag("thead") {
                            tag("tr") {
                                tag("th", ["scope": "col"]) { "new" }
                                tag("th", ["scope": "col"]) { "from" }
                                tag("th", ["scope": "col", "class": "n"]) { "its score" }
                                tag("th", ["scope": "col"]) { "instead of" }
                                tag("th", ["scope": "col", "class": "n"]) { "its score" }
                                tag("th", ["scope": "col"]) { "changed" }
                            }
                        }
                        tag("tbody") { for interval in shown { row(interval) } }
                    }
                }
                if shown.count < all.count {
                    tag("p", ["class": "note"]) {
                        "showing \(shown.count) of \(all.count) · "
                        tag("a", ["href": Links.experiment(experiment.name, "members.csv")]) { "all intervals as CSV" }
                    }
                }
            }
        }
    }

    private func row(_ interval: Interval) -> HTML {
        let donor = interval.parent.flatMap { experiment.history.genealogy[$0] }
        let replaced = experiment.history.genealogy[
            IntervalID(member: interval.id.member, index: interval.id.index - 1)]
        return tag("tr", ["data-p": experiment.piece(of: interval.id).map { "\($0)" }]) {
            tag("th", ["scope": "row"]) { Links.interval(interval.id, of: experiment.name) }
            tag("td") { if let donor { Links.interval(donor.id, of: experiment.name) } else { "–" } }
            tag("td", ["class": "n"]) { Formatting.score(donor?.score) }
            tag("td") { if let replaced { Links.interval(replaced.id, of: experiment.name) } else { "–" } }
            tag("td", ["class": "n"]) { Formatting.score(replaced?.score) }
            tag("td") { ChangesText(changes: interval.changes).html }
        }
    }
}
