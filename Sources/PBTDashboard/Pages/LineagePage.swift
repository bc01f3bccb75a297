// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTHTTP
import PBTReport

/// The page of the lineage: its chart, and a table of the copies.
struct LineagePage {
    let experiment: ExperimentContext

    /// The maximum number of copies listed.
    private static let limit = 100

    func reply() -> Reply {
        experiment.layout("Lineage").reply {
            ChartCard(experiment: experiment, kind: .lineage).html
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
            tag("h2") { "Copies (newest first)" }
            if all.isEmpty {
                tag("p", ["class": "note"]) { "No member has copied another yet." }
            } else {
                scrollRegion("copies") {
                    table((experiment.hasJobs ? ["job"] : []) + Self.headings) {
                        for interval in shown { row(interval) }
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

    private static let headings: [ColumnHeading] = [
        "interval", "donor", .number("donor score"), "replaced", .number("replaced score"), "changed",
    ]

    private func row(_ interval: Interval) -> HTML {
        let donor = interval.parent.flatMap { experiment.history.genealogy[$0] }
        let replaced = experiment.history.genealogy[
            IntervalID(member: interval.id.member, index: interval.id.index - 1)]
        return tag("tr", ["data-p": experiment.piece(of: interval.id).map { "\($0)" }]) {
            if experiment.hasJobs { tag("td") { experiment.jobLink(interval.id) } }
            tag("th", ["scope": "row"]) { Links.interval(interval.id, of: experiment.name) }
            tag("td") { if let donor { Links.interval(donor.id, of: experiment.name) } else { "–" } }
            tag("td", ["class": "n"]) { Formatting.score(donor?.score) }
            tag("td") { if let replaced { Links.interval(replaced.id, of: experiment.name) } else { "–" } }
            tag("td", ["class": "n"]) { Formatting.score(replaced?.score) }
            tag("td") { ChangesText(changes: interval.changes).html }
        }
    }
}
