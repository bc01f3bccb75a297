// SPDX-License-Identifier: Apache-2.0

/// A position in an experiment's change feed, to be passed to the next ``Store/changes(of:since:limit:)``.
///
/// Valid for one experiment only: an experiment of the same name that was created later has other cursors.
public struct ChangeCursor: Sendable, Hashable, CustomStringConvertible {
    /// The number of the experiment, unique in its store.
    public let experiment: Int64
    /// The number of the last change that was read; each write to an interval is one change.
    public let number: Int64

    /// Creates a cursor.
    package init(experiment: Int64, number: Int64) {
        self.experiment = experiment
        self.number = number
    }

    /// Parses a cursor that ``description`` produced; nil if the string is not one.
    package init?(_ text: String) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false).map { Int64($0) }
        guard parts.count == 2, let experiment = parts[0], let number = parts[1], experiment >= 0, number >= 0 else {
            return nil
        }
        self.init(experiment: experiment, number: number)
    }

    /// The cursor as a string, for another process.
    public var description: String { "\(experiment)-\(number)" }
}

/// The part of an experiment's change feed that follows a cursor.
public struct Changes: Sendable {
    /// The intervals that were created or written to, in their present state, each once.
    public var intervals: [Interval]
    /// The cursor for the next call.
    public var cursor: ChangeCursor
    /// True if everything read before must be discarded: there was no cursor, or it belonged to another experiment.
    public var isReset: Bool
    /// True if more can be read immediately: the limit was reached.
    public var hasMore: Bool

    /// Creates a response of a store.
    public init(intervals: [Interval], cursor: ChangeCursor, isReset: Bool, hasMore: Bool) {
        self.intervals = intervals
        self.cursor = cursor
        self.isReset = isReset
        self.hasMore = hasMore
    }
}

/// A local copy of an experiment's intervals, kept up to date by its change feed.
///
/// ```swift
/// var mirror = IntervalMirror()
/// while true {
///     mirror.apply(try await store.changes(of: "mnist", since: mirror.cursor))
///     show(mirror.intervals)
///     …
/// }
/// ```
public struct IntervalMirror: Sendable {
    /// The intervals, by member and index.
    public private(set) var intervals: [Interval] = []
    /// The cursor of the last changes that were applied; nil before the first.
    public private(set) var cursor: ChangeCursor?

    /// Creates an empty mirror.
    public init() {}

    /// Applies changes.
    ///
    /// - Parameter changes: The store's response to a call with ``cursor``.
    public mutating func apply(_ changes: Changes) {
        cursor = changes.cursor
        var changed = changes.intervals
        if !changed.indices.dropFirst().allSatisfy({ changed[$0 - 1].id < changed[$0].id }) {
            changed.sort { $0.id < $1.id }
        }
        if changes.isReset {
            intervals = changed
            return
        }
        guard !changed.isEmpty else { return }
        // One pass: an insertion in the middle would move everything behind it, and the array may be shared.
        var merged: [Interval] = []
        merged.reserveCapacity(intervals.count + changed.count)
        var place = 0
        for var interval in changed {
            let end = intervals.place(of: interval.id, from: place)
            merged.append(contentsOf: intervals[place..<end])
            // Hyperparameters that a member keeps are stored once.
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
    /// Returns the index of the first interval that does not come before an identifier; the array must be sorted by
    /// member and index.
    ///
    /// - Parameters:
    ///   - id: The identifier.
    ///   - start: The index at which the binary search starts.
    /// - Returns: The index, or the number of intervals if all come before the identifier.
    package func place(of id: IntervalID, from start: Int = 0) -> Int {
        var (low, high) = (start, count)
        while low < high {
            let middle = (low + high) / 2
            if self[middle].id < id { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
