// SPDX-License-Identifier: Apache-2.0

import PBT

/// What charts look at most, as columns: an interval is large, and there may be hundreds of thousands.
struct Columns: Sendable {
    /// How many intervals of training each interval's checkpoint holds.
    let depths: [Int]
    /// Each interval's score; not a number when it is not done.
    let scores: [Double]
    /// How many members there are.
    let members: Int
    /// The most training that a finished interval's checkpoint holds.
    let trained: Int

    /// The columns of intervals that are sorted by member.
    init(_ intervals: [Interval]) {
        var depths: [Int] = []
        var scores: [Double] = []
        var members = 0
        var trained = 0
        var last: Int?
        depths.reserveCapacity(intervals.count)
        scores.reserveCapacity(intervals.count)
        for interval in intervals {
            depths.append(interval.depth)
            scores.append(interval.finiteScore ?? .nan)
            if interval.state.isFinished { trained = max(trained, interval.depth) }
            if interval.id.member != last { members += 1 }
            last = interval.id.member
        }
        self.depths = depths
        self.scores = scores
        self.members = members
        self.trained = trained
    }
}
