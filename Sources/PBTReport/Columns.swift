// SPDX-License-Identifier: Apache-2.0

import PBT

/// What charts look at most, as columns: an interval is large, and there may be hundreds of thousands.
struct Columns: Sendable {
    /// How many intervals of training each interval's checkpoint holds.
    let depths: [Int]
    /// Each interval's score; not a number when it is not done.
    let scores: [Double]
    /// Whether any of them diverged or failed.
    let hasLosses: Bool
    /// How many members there are.
    let members: Int
    /// The most training that a finished interval's checkpoint holds.
    let trained: Int
    /// How many milliseconds after the first start each interval finished; not a number when that is not known.
    let finished: [Double]
    /// How many milliseconds after the first start each interval's last attempt began; not a number when it did not.
    let started: [Double]
    /// The place of each member's first interval, and the number of places.
    let starts: [Int]
    /// When the first interval was begun.
    let zero: Timestamp?
    /// The greatest time that is known, in milliseconds after the first start.
    let duration: Double

    /// The columns of intervals that are sorted by member.
    init(_ intervals: [Interval]) {
        var depths: [Int] = []
        var scores: [Double] = []
        var members = 0
        var trained = 0
        var hasLosses = false
        var last: Int?
        var starts: [Int] = []
        var zero: Timestamp?
        depths.reserveCapacity(intervals.count)
        scores.reserveCapacity(intervals.count)
        for interval in intervals {
            depths.append(interval.depth)
            scores.append(interval.finiteScore ?? .nan)
            if interval.state == .diverged || interval.state == .failed { hasLosses = true }
            if interval.state.isFinished { trained = max(trained, interval.depth) }
            if interval.id.member != last {
                starts.append(depths.count - 1)
                members += 1
            }
            last = interval.id.member
            if let start = interval.started { zero = min(zero ?? start, start) }
        }
        func times(_ time: (Interval) -> Timestamp?) -> [Double] {
            guard let zero else { return [Double](repeating: .nan, count: intervals.count) }
            return intervals.map { time($0).map { Double($0.milliseconds - zero.milliseconds) } ?? .nan }
        }
        finished = times { $0.state.isFinished ? $0.finished : nil }
        started = times { $0.started }
        duration = (finished + started).reduce(0) { $1.isNaN ? $0 : max($0, $1) }
        self.zero = zero
        self.starts = starts + [intervals.count]
        self.depths = depths
        self.scores = scores
        self.hasLosses = hasLosses
        self.members = members
        self.trained = trained
    }

    /// How far an interval is along an axis when it is finished; not a number when that is not known.
    func end(_ place: Int, on axis: Chart.Axis) -> Double {
        axis == .training ? Double(depths[place]) : finished[place]
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

    /// The intervals that are compared with each other at each step of an axis.
    func population(on axis: Chart.Axis) -> [(at: Double, places: [Int])] {
        guard axis == .training else { return newest(at: 60).map { ($0.time, $0.places) } }
        var places: [[Int]] = Array(repeating: [], count: trained + 1)
        for place in depths.indices where places.indices.contains(depths[place]) {
            places[depths[place]].append(place)
        }
        return places.enumerated().map { (Double($0), $1) }
    }
}
