// SPDX-License-Identifier: Apache-2.0

package import PBT

/// What charts look at most, as columns: an interval is large, and there may be hundreds of thousands.
///
/// To read one field of each interval costs little; to copy each one costs more than all drawing does.
package struct Columns: Sendable {
    /// Each interval's name.
    package let ids: [IntervalID]
    /// Where each interval stands.
    package let states: [Interval.State]
    /// How many intervals of training each interval's checkpoint holds.
    let depths: [Int]
    /// Each interval's score; not a number when it is not done.
    let scores: [Double]
    /// Whether each interval continues another member's checkpoint.
    package let isExploit: [Bool]
    /// Whether any of them diverged or failed.
    let hasLosses: Bool
    /// How many members there are.
    package let members: Int
    /// The most training that a finished interval's checkpoint holds.
    let trained: Int
    /// The greatest index of a finished interval; -1 when there is none.
    let lastIndex: Int
    /// How many milliseconds after the first start each interval finished; not a number when that is not known.
    let finished: [Double]
    /// How many milliseconds after the first start each interval's last attempt began; not a number when it did not.
    let started: [Double]
    /// The place of each member's first interval, and the number of places.
    package let starts: [Int]
    /// When the first interval was begun.
    package let zero: Timestamp?
    /// The greatest time that is known, in milliseconds after the first start.
    let duration: Double

    /// The columns of intervals that are sorted by member.
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
            // Field by field: an interval as a whole is never copied.
            let (id, state, depth) = (intervals[place].id, intervals[place].state, intervals[place].depth)
            let score = state == .done ? intervals[place].score ?? .nan : .nan
            if ids.last?.member != id.member { starts.append(place) }
            ids.append(id)
            states.append(state)
            depths.append(depth)
            scores.append(score.isFinite ? score : .nan)
            isExploit.append(intervals[place].parent.map { $0.member != id.member } ?? false)
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

    /// Whether an interval came to nothing.
    func isLost(_ place: Int) -> Bool {
        states[place] == .diverged || states[place] == .failed
    }

    /// The places of all members' last intervals, by member.
    var tips: [Int] {
        starts.dropFirst().filter { $0 > 0 }.map { $0 - 1 }
    }

    /// At each of some times, evenly spread, the newest interval of each member that had finished by then.
    ///
    /// - Parameter count: How many times.
    /// - Returns: The times, in milliseconds after the first start, and the places of the intervals.
    func newest(at count: Int) -> [(time: Double, places: [Int])] {
        guard duration > 0 else { return [] }
        var result = (1...count).map { (time: duration * Double($0) / Double(count), places: [Int]()) }
        for (start, end) in zip(starts, starts.dropFirst()) {
            var place = start
            var newest: Int?
            for step in result.indices {
                // Intervals of a member finish one after the other.
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
