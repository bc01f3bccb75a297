// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTReport

/// The intervals of a member as a table, the newest first.
struct MemberIntervalsTable {
    let experiment: ExperimentContext
    let own: [Interval]

    /// The maximum number of intervals shown.
    private static let limit = 100

    var html: HTML {
        let shown = own.suffix(Self.limit).reversed()
        var children: [IntervalID: [IntervalID]] = [:]
        for interval in experiment.history.exploits {
            if let parent = interval.parent, parent.member == own.first?.id.member {
                children[parent, default: []].append(interval.id)
            }
        }
        return tag("section", ["id": "live-intervals", "class": "card wide"]) {
            tag("h2") { "Intervals" }
            scrollRegion("intervals") {
                table((experiment.hasJobs ? ["job"] : []) + Self.headings) {
                    for interval in shown { row(interval, children[interval.id] ?? []) }
                }
            }
            if own.count > shown.count {
                tag("p", ["class": "note"]) {
                    "showing the newest \(shown.count) of \(own.count) · "
                    tag("a", ["href": Links.experiment(experiment.name, "members.csv")]) { "all as CSV" }
                }
            }
        }
    }

    private static let headings: [ColumnHeading] = [
        .number("interval"), "state", .number("score"), "from", "changed", "copied by", .number("took"), "worker",
    ]

    private func row(_ interval: Interval, _ children: [IntervalID]) -> HTML {
        tag("tr", ["data-p": experiment.piece(of: interval.id).map { "\($0)" }]) {
            if experiment.hasJobs { tag("td") { experiment.jobLink(interval.id) } }
            tag("th", ["scope": "row", "class": "n"]) {
                tag("a", ["href": Links.member(interval.id.member, of: experiment.name, interval: interval.id.index)]) {
                    "\(interval.id.index)"
                }
            }
            tag("td") { interval.state.rawValue }
            tag("td", ["class": "n"]) { Formatting.score(interval.score) }
            tag("td") {
                if let parent = interval.parent { Links.interval(parent, of: experiment.name) } else { "founder" }
            }
            tag("td") { ChangesText(changes: interval.changes).html }
            tag("td") {
                for child in children {
                    Links.interval(child, of: experiment.name)
                    " "
                }
            }
            tag("td", ["class": "n"]) {
                if let started = interval.started, let finished = interval.finished {
                    Formatting.duration(finished.since(started))
                } else {
                    "–"
                }
            }
            tag("td") { if let worker = interval.worker { Formatting.worker(worker) } else { "–" } }
        }
    }
}
