// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTAPI
import PBTReport

/// Where pages are.
enum Links {
    /// A page of an experiment.
    static func experiment(_ name: String, _ rest: String = "") -> String {
        "/e/\(PathSegment.encode(name))" + (rest.isEmpty ? "" : "/\(rest)")
    }

    /// The page of a member, or of one of its intervals.
    static func member(_ member: Int, of name: String, interval: Int? = nil) -> String {
        experiment(name, "m/\(member)") + (interval.map { "?interval=\($0)" } ?? "")
    }

    /// A link to an interval, written as it is named everywhere.
    static func interval(_ id: IntervalID, of name: String) -> HTML {
        tag("a", ["href": member(id.member, of: name, interval: id.index)]) { id.description }
    }
}
