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

    /// Returns a link to an interval, with its identifier as its text.
    static func interval(_ id: IntervalID, of name: String) -> HTML {
        tag("a", ["href": member(id.member, of: name, interval: id.index)]) { id.description }
    }
}
