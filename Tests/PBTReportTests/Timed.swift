// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTReport

extension [Interval] {
    /// The intervals as some workers would have trained them, one after the other in the order in which they finished.
    ///
    /// An interval begins when a worker is free and its parent is done, and takes 0.8 to 1.2 seconds by its name.
    func trained(by workers: [String]) -> [Interval] {
        var result = self
        var free = [Int64](repeating: 5_000, count: workers.count)
        var ends: [IntervalID: Int64] = [:]
        var last: Int64 = 0
        let order = indices.filter { self[$0].state.isFinished }
            .sorted { (self[$0].sequence ?? .max, $0) < (self[$1].sequence ?? .max, $1) }
        for place in order {
            let interval = self[place]
            guard let worker = free.indices.min(by: { free[$0] < free[$1] }) else { return result }
            let start = Swift.max(free[worker], interval.parent.flatMap { ends[$0] } ?? 0)
            let length = 800 + Int64((interval.id.member * 7919 + interval.id.index * 104_729) % 400)
            let end = Swift.max(start + length, last + 1)
            (free[worker], ends[interval.id], last) = (end + 20, end, end)
            result[place].worker = workers[worker]
            result[place].started = Timestamp(milliseconds: start)
            result[place].finished = Timestamp(milliseconds: end)
        }
        return result
    }
}

extension History {
    /// The same history with workers and times.
    func trained(by workers: [String]) -> History {
        History(
            record, intervals: genealogy.intervals.trained(by: workers),
            baseline: baseline?.intervals.trained(by: workers))
    }
}
