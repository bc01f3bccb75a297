// SPDX-License-Identifier: Apache-2.0

package import PBT

/// The fields of intervals that charts use most, as columns: an interval is large, and there may be hundreds of
/// thousands.
///
/// Reading one field of each interval is cheap; copying each interval would cost more than drawing.
package struct Columns: Sendable {
    /// The identifier of each interval.
    package let ids: [IntervalID]
    /// The state of each interval.
    package let states: [Interval.State]
    /// The lineage depth of each interval: the number of training intervals in its checkpoint.
    let depths: [Int]
    /// The score of each interval; NaN when it is not done.
    let scores: [Double]
    /// For each interval, true when it continues another member's checkpoint.
    package let isExploit: [Bool]
    /// True when any of them diverged or failed.
    let hasLosses: Bool
    /// The number of members.
    package let members: Int
    /// The greatest lineage depth of a finished interval.
    let trained: Int
    /// The greatest index of a finished interval; -1 when there is none.
    let lastIndex: Int
    /// The end of each interval, in milliseconds after the first start; NaN when it is not known.
    let finished: [Double]
    /// The start of each interval's last attempt, in milliseconds after the first start; NaN when there was none.
    let started: [Double]
    /// The place of each member's first interval, followed by the number of places.
    package let starts: [Int]
    /// The start of the first interval.
    package let zero: Timestamp?
    /// The greatest known time, in milliseconds after the first start.
    let duration: Double

    /// Creates the columns of intervals that are sorted by member.
    init(_ intervals: [Interval]) {
        let count = intervals.count
        var ids: [IntervalID] = []
        var states: [Interval.State] = []
        var depths: [Int] = []
        var scores: [Double] = []
        var isExploit: [Bool] = []
        var began: [Int64?] = []
        var ended: [Int64?] = []
        ids.reserveCapacity(count)
        states.reserveCapacity(count)
        depths.reserveCapacity(count)
        scores.reserveCapacity(count)
        isExploit.reserveCapacity(count)
        began.reserveCapacity(count)
        ended.reserveCapacity(count)
        var trained = 0
        var lastIndex = -1
        var hasLosses = false
        var starts: [Int] = []
        var zero: Int64?
        for place in intervals.indices {
            // Field by field: whole intervals are never copied.
            let (id, state, depth) = (intervals[place].id, intervals[place].state, intervals[place].depth)
            let score = state == .done ? intervals[place].score ?? .nan : .nan
            if ids.last?.member != id.member { starts.append(place) }
            ids.append(id)
            states.append(state)
            depths.append(depth)
            scores.append(score.isFinite ? score : .nan)
            isExploit.append(id.isExploit(of: intervals[place].parent))
            if state == .diverged || state == .failed { hasLosses = true }
            if state.isFinished {
                trained = max(trained, depth)
                lastIndex = max(lastIndex, id.index)
            }
            let start = intervals[place].started?.milliseconds
            if let start { zero = min(zero ?? start, start) }
            began.append(start)
            ended.append(state.isFinished ? intervals[place].finished?.milliseconds : nil)
        }
        func times(_ times: [Int64?]) -> [Double] {
            guard let zero else { return [Double](repeating: .nan, count: count) }
            return times.map { $0.map { Double($0.subtracting(saturating: zero)) } ?? .nan }
        }
        finished = times(ended)
        started = times(began)
        duration = max(
            finished.reduce(0) { $1.isNaN ? $0 : max($0, $1) }, started.reduce(0) { $1.isNaN ? $0 : max($0, $1) })
        self.zero = zero.map { Timestamp(milliseconds: $0) }
        members = starts.count
        self.starts = starts + [count]
        self.ids = ids
        self.states = states
        self.depths = depths
        self.scores = scores
        self.isExploit = isExploit
        self.hasLosses = hasLosses
        self.trained = trained
        self.lastIndex = lastIndex
    }

    /// Returns true when an interval diverged or failed.
    func isLost(_ place: Int) -> Bool {
        states[place] == .diverged || states[place] == .failed
    }

    /// The places of all members' last intervals, by member.
    var tips: [Int] {
        starts.dropFirst().filter { $0 > 0 }.map { $0 - 1 }
    }

    /// Returns the newest finished interval of each member at evenly spaced times.
    ///
    /// - Parameter count: The number of times.
    /// - Returns: The times, in milliseconds after the first start, and the places of the intervals.
    func newest(at count: Int) -> [(time: Double, places: [Int])] {
        guard duration > 0 else { return [] }
        var result = (1...count).map { (time: duration * Double($0) / Double(count), places: [Int]()) }
        for (start, end) in zip(starts, starts.dropFirst()) {
            var place = start
            var newest: Int?
            for step in result.indices {
                // The intervals of a member finish in order.
                while place < end, finished[place].isNaN || finished[place] <= result[step].time {
                    if !finished[place].isNaN { newest = place }
                    place += 1
                }
                if let newest { result[step].places.append(newest) }
            }
        }
        return result
    }
}
