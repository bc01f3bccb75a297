// SPDX-License-Identifier: Apache-2.0

import PBT
import Testing

@Suite struct `A checkpoint's name` {
    @Test(arguments: [
        ("m0000-i0000-a1", 0, 0, 1), ("m0003-i0012-a1", 3, 12, 1), ("m12345-i0000-a10", 12345, 0, 10),
        ("m9223372036854775807-i9223372036854775807-a9223372036854775807", Int.max, Int.max, Int.max),
    ])
    func `is read back as it was written`(_ text: String, _ member: Int, _ index: Int, _ attempt: Int) {
        let name = CheckpointName(IntervalID(member: member, index: index), attempt: attempt)
        #expect("\(name)" == text)
        #expect(CheckpointName(text) == name)
    }

    @Test(arguments: [
        "", "/", ".", "..", "m0000", "m0000-i0000", "m0000-i0000-a", "m0000-i0001-a0", "m0000-i0000-a00",
        "m0000-i0000-a1-", "m-i-a",
        "m0000-i0000-a-1", "m0000-i0000-a+1", "m0000-i0000-a01", "m00000-i0000-a1", "m000-i0000-a1",
        "m0000-i0000-a1 ", " m0000-i0000-a1", "m0000-i0000-a1\n", "m0000-i0000-a1\u{0}", "\u{0}", "M0000-i0000-a1",
        "m0000-i0000-a1/..", "../m0000-i0000-a1", "m٠٠٠٠-i0000-a1", "m0000–i0000–a1", "ｍ0000-i0000-a1",
        "m0000-i0000-a1\u{301}", "m0000-i0000-a9223372036854775808", "m0000-i0000-a99999999999999999999",
        String(repeating: "m", count: 100_000),
    ])
    func `has one spelling, and nothing else is one`(_ text: String) {
        #expect(CheckpointName(text) == nil)
    }

    @Test func `belongs to its interval`() {
        let id = IntervalID(member: 1, index: 2)
        var interval = Interval(
            id: id, parent: nil, hyperparameters: [:], depth: 3, created: Timestamp(milliseconds: 0))
        interval.attempts = 2
        interval.checkpoint = "m0001-i0002-a2"
        #expect(interval.checkpointName == CheckpointName(id, attempt: 2))
        for foreign in ["m0001-i0002-a3", "m0001-i0003-a1", "../../../victim", ""] {
            interval.checkpoint = foreign
            #expect(interval.checkpointName == nil)
        }
    }
}
