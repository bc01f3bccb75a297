// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTAPI
import PBTReport

/// The paths of pages.
enum Links {
    /// Returns the path of a page of an experiment; of its overview by default.
    static func experiment(_ name: String, _ rest: String = "") -> String {
        "/e/\(PathSegment.encode(name))" + (rest.isEmpty ? "" : "/\(rest)")
    }

    /// Returns the path of a member's page, which shows the given interval or the newest.
    static func member(_ member: Int, of name: String, interval: Int? = nil) -> String {
        experiment(name, "m/\(member)") + (interval.map { "?interval=\($0)" } ?? "")
    }

    /// Returns a link to an interval, with the id of its job as its text; a dash for none.
    static func job(_ id: IntervalID?, of experiment: ExperimentContext) -> HTML {
        guard let id else { return HTML("–") }
        let job = experiment.history.genealogy[id]?.jobID ?? id.description
        return tag("a", ["href": member(id.member, of: experiment.name, interval: id.index)]) {
            Formatting.name(job, width: 24)
        }
    }

    /// Returns a link to an interval, with its identifier as its text.
    static func interval(_ id: IntervalID, of name: String) -> HTML {
        tag("a", ["href": member(id.member, of: name, interval: id.index)]) { id.description }
    }
}
