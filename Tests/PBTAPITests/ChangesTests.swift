// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTAPI
import Testing

@Suite struct ChangesTests {
    private let changes = Changes(
        intervals: [
            Interval(
                id: IntervalID(member: 1, index: 0), parent: nil, hyperparameters: ["x": 0.5], depth: 1,
                created: Timestamp(milliseconds: 7))
        ],
        cursor: ChangeCursor(experiment: 3, number: 12), isReset: true, hasMore: false)

    private func read(_ value: Value) throws -> Changes {
        try Changes(api: Fields(value))
    }

    private func without(_ names: String...) -> Value {
        .object((changes.api.object ?? [:]).filter { !names.contains($0.key) })
    }

    @Test func `a response has the names of this version and of the one before`() {
        #expect(changes.api["cursor"] == "3-12")
        #expect(changes.api["reset"] == true)
        #expect(changes.api["mark"] == "3-12")
        #expect(changes.api["anew"] == true)
    }

    @Test func `a response of a server of the version before is read`() throws {
        let old = try read(without("cursor", "reset"))
        #expect(old.cursor == changes.cursor)
        #expect(old.isReset)
        #expect(old.intervals == changes.intervals)
    }

    @Test func `a response of a server that has dropped the old names is read`() throws {
        let new = try read(without("mark", "anew"))
        #expect(new.cursor == changes.cursor)
        #expect(new.isReset)
        #expect(new.intervals == changes.intervals)
    }

    @Test(arguments: ["cursor", "mark"])
    func `a response with an invalid cursor is the server's error`(name: String) throws {
        var object = try #require(without("cursor", "mark").object)
        object[name] = "3-x"
        let error = #expect(throws: PBTError.self) { try read(.object(object)) }
        #expect(error?.code == .unreachable)
        #expect(error?.message == "invalid response from the server: its cursor is 3-x")
    }
}
