// SPDX-License-Identifier: Apache-2.0

package import PBT

extension Changes {
    /// The changes as a JSON object.
    ///
    /// `mark` and `anew` are the names that `cursor` and `reset` had until version 0.2. The version after 0.3 drops
    /// them.
    package var api: Value {
        [
            "items": .array(intervals.map(\.api)), "cursor": .string(cursor.description), "reset": .bool(isReset),
            "more": .bool(hasMore), "mark": .string(cursor.description), "anew": .bool(isReset),
        ]
    }

    /// Decodes an object that ``api`` or a server of version 0.2 encoded, which has only the old names.
    package init(api fields: Fields) throws {
        let text = try fields.text(ifAny: "cursor") ?? fields.text("mark")
        guard let cursor = ChangeCursor(text) else {
            throw PBTError(.unreachable, "invalid response from the server: its cursor is \(text.prefix(40))")
        }
        var intervals: [Interval] = []
        for item in try fields.list("items") {
            intervals.append(try Interval(api: Fields(item, path: "items")))
        }
        self.init(
            intervals: intervals, cursor: cursor, isReset: try fields.bool(ifAny: "reset") ?? fields.bool("anew"),
            hasMore: try fields.bool("more"))
    }
}
