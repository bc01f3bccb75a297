// SPDX-License-Identifier: Apache-2.0

/// How far one has read an experiment's intervals: what ``Store/changes(of:since:limit:)`` is given the next time.
///
/// Good for one experiment: one of the same name that was created later has other marks.
public struct ChangeMark: Sendable, Hashable, CustomStringConvertible {
    /// The number of the experiment, unique in its store.
    public let experiment: Int64
    /// How many changes were read; each write to an interval is one.
    public let number: Int64

    /// A mark.
    package init(experiment: Int64, number: Int64) {
        self.experiment = experiment
        self.number = number
    }

    /// Reads a mark that was written by ``description``; none when it is none.
    package init?(_ text: String) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false).map { Int64($0) }
        guard parts.count == 2, let experiment = parts[0], let number = parts[1], experiment >= 0, number >= 0 else {
            return nil
        }
        self.init(experiment: experiment, number: number)
    }

    /// The mark as text, to be given to another process.
    public var description: String { "\(experiment)-\(number)" }
}

/// What became of an experiment's intervals since one last looked.
public struct Changes: Sendable {
    /// The intervals that are new or were written to, as they are now, each once.
    public var intervals: [Interval]
    /// What to ask with the next time.
    public var mark: ChangeMark
    /// Whether this begins anew, with nothing of what was read before: there was no mark, or it was another experiment's.
    public var isAnew: Bool
    /// Whether there is more to be read at once: the limit was reached.
    public var hasMore: Bool

    /// What a store answers.
    public init(intervals: [Interval], mark: ChangeMark, isAnew: Bool, hasMore: Bool) {
        self.intervals = intervals
        self.mark = mark
        self.isAnew = isAnew
        self.hasMore = hasMore
    }
}

/// The intervals of an experiment as one last read them: brought up to date by what has changed since.
///
/// ```swift
/// var mirror = IntervalMirror()
/// while true {
///     mirror.apply(try await store.changes(of: "mnist", since: mirror.mark))
///     show(mirror.intervals)
///     …
/// }
/// ```
public struct IntervalMirror: Sendable {
    /// The intervals, by member and index.
    public private(set) var intervals: [Interval] = []
    /// What was read; none before the first time.
    public private(set) var mark: ChangeMark?

    /// Nothing has been read yet.
    public init() {}

    /// Takes in what has changed.
    ///
    /// - Parameter changes: What the store answered when it was asked with ``mark``.
    public mutating func apply(_ changes: Changes) {
        mark = changes.mark
        var changed = changes.intervals
        if !changed.indices.dropFirst().allSatisfy({ changed[$0 - 1].id < changed[$0].id }) {
            changed.sort { $0.id < $1.id }
        }
        if changes.isAnew {
            intervals = changed
            return
        }
        guard !changed.isEmpty else { return }
        // One pass: an insertion in the midst would move all behind it, and somebody may still hold the array.
        var merged: [Interval] = []
        merged.reserveCapacity(intervals.count + changed.count)
        var place = 0
        for var interval in changed {
            let end = intervals.place(of: interval.id, from: place)
            merged.append(contentsOf: intervals[place..<end])
            // What a member goes on with is held once.
            if let last = merged.last?.hyperparameters, last == interval.hyperparameters {
                interval.hyperparameters = last
            }
            merged.append(interval)
            place = end < intervals.count && intervals[end].id == interval.id ? end + 1 : end
        }
        merged.append(contentsOf: intervals[place...])
        intervals = merged
    }
}

extension Array<Interval> {
    /// The place of the first interval, of those sorted by member and index, that does not come before a name.
    ///
    /// - Parameters:
    ///   - id: The name.
    ///   - start: Where the search begins.
    /// - Returns: The place; the number of intervals when all come before the name.
    package func place(of id: IntervalID, from start: Int = 0) -> Int {
        var (low, high) = (start, count)
        while low < high {
            let middle = (low + high) / 2
            if self[middle].id < id { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

/// Which intervals of an experiment are asked for.
public struct IntervalSelection: Sendable, Hashable {
    /// Of this member only.
    public var member: Int?
    /// In this state only.
    public var state: Interval.State?
    /// With checkpoints in one of these states only; none for all.
    public var checkpoints: Set<Interval.CheckpointState>?
    /// Of each member the one with the greatest index only.
    public var newestOnly: Bool
    /// Those that come after this one, by member and index.
    public var after: IntervalID?
    /// How many at most; at least 1.
    public var limit: Int

    /// A selection; of all intervals when nothing is said.
    public init(
        member: Int? = nil, state: Interval.State? = nil, checkpoints: Set<Interval.CheckpointState>? = nil,
        newestOnly: Bool = false, after: IntervalID? = nil, limit: Int = .max
    ) {
        self.member = member
        self.state = state
        self.checkpoints = checkpoints
        self.newestOnly = newestOnly
        self.after = after
        self.limit = limit
    }

    /// Chooses from all intervals of an experiment, which are sorted by member and index.
    package func chosen(from intervals: [Interval]) -> [Interval] {
        var chosen: [Interval] = []
        for place in intervals.indices {
            let interval = intervals[place]
            if newestOnly, place + 1 < intervals.count, intervals[place + 1].id.member == interval.id.member {
                continue
            }
            guard member.map({ $0 == interval.id.member }) ?? true, state.map({ $0 == interval.state }) ?? true,
                checkpoints?.contains(interval.checkpointState) ?? true, after.map({ $0 < interval.id }) ?? true
            else { continue }
            chosen.append(interval)
            if chosen.count == limit { break }
        }
        return chosen
    }
}
