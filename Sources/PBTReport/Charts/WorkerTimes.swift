// SPDX-License-Identifier: Apache-2.0

import PBT

/// The times of each worker, as recorded by the last attempt of each interval.
struct WorkerTimes {
    /// One interval on a worker, in milliseconds after the first start.
    struct Stretch {
        var start: Double
        var end: Double
        /// The place of the interval in its genealogy.
        var place: Int
        var isBaseline: Bool
        var state: Interval.State
    }

    /// A worker.
    struct Worker {
        var name: String
        /// By their start.
        var stretches: [Stretch]
        /// The time in which it trained.
        var busy: Double

        /// From its first start to its last end.
        var presence: Double {
            guard let first = stretches.first else { return 0 }
            return stretches.reduce(0) { max($0, $1.end) } - first.start
        }

        /// The share of its presence in which it trained.
        var share: Double {
            presence > 0 ? busy / presence : 1
        }
    }

    /// The busiest first, of equal ones by name.
    private(set) var workers: [Worker] = []
    /// The number of finished intervals without a recorded worker or time.
    private(set) var unknown = 0
    /// The greatest time.
    private(set) var duration = 0.0

    init(_ history: History, showsBaseline: Bool) {
        let populations =
            [history.genealogy.intervals] + (showsBaseline ? history.baseline.map { [$0.intervals] } ?? [] : [])
        var zero: Timestamp?
        var now: Timestamp?
        // Field by field, here and below: copying whole intervals would dominate the cost.
        for intervals in populations {
            for place in intervals.indices {
                guard let start = intervals[place].started else { continue }
                zero = min(zero ?? start, start)
                now = max(now ?? start, start, intervals[place].finished ?? start)
            }
        }
        guard let zero, let now else {
            unknown = populations.joined().count { $0.state.isFinished }
            return
        }
        var stretches: [String: [Stretch]] = [:]
        for (population, intervals) in populations.enumerated() {
            for place in intervals.indices {
                let state = intervals[place].state
                guard state != .waiting else { continue }
                let end = state == .running ? now : intervals[place].finished
                guard let worker = intervals[place].worker, let start = intervals[place].started, let end, start <= end
                else {
                    if state.isFinished { unknown += 1 }
                    continue
                }
                stretches[worker, default: []].append(
                    Stretch(
                        start: Double(start.milliseconds.subtracting(saturating: zero.milliseconds)),
                        end: Double(end.milliseconds.subtracting(saturating: zero.milliseconds)), place: place,
                        isBaseline: population == 1,
                        state: state))
            }
        }
        duration = Double(now.milliseconds.subtracting(saturating: zero.milliseconds))
        workers = stretches.map { name, stretches in
            let sorted = stretches.sorted {
                ($0.start, $0.end, $0.isBaseline ? 1 : 0, $0.place) < (
                    $1.start, $1.end, $1.isBaseline ? 1 : 0, $1.place
                )
            }
            // Overlapping stretches, of a worker that trains several intervals concurrently, count once.
            var busy = 0.0
            var until = -Double.infinity
            for stretch in sorted {
                busy += max(0, stretch.end - max(stretch.start, until))
                until = max(until, stretch.end)
            }
            return Worker(name: name, stretches: sorted, busy: busy)
        }.sorted { ($1.busy, $0.name) < ($0.busy, $1.name) }
    }

    /// The share of the workers' presence in which they trained.
    var busy: Double {
        let presence = workers.reduce(0) { $0 + $1.presence }
        return presence > 0 ? workers.reduce(0) { $0 + $1.busy } / presence : 1
    }
}
