// SPDX-License-Identifier: Apache-2.0

/// The intervals of an experiment as they are when decisions are made, for rules that learn from them.
///
/// Intervals are read one index at a time, once, and only if a rule asks for them. One history serves the decisions of
/// one moment, such as those of a generation, which share what a rule has learned and know each other's choices. Used
/// by one thread at a time.
public final class IntervalHistory {
    private let read: (_ index: Int) throws -> [Interval]
    private var byIndex: [Int: [Interval]] = [:]
    /// The intervals that were created by the decisions that this history served, by index.
    private var added: [Int: [Interval]] = [:]
    /// The models that were learned, by the index of the last interval and the settings.
    var models: [PB2Model.Key: PB2Model] = [:]

    /// Creates a history.
    ///
    /// - Parameter read: Returns all intervals of an index that exist at this moment, in any order.
    public init(_ read: @escaping (_ index: Int) throws -> [Interval]) {
        self.read = read
    }

    /// Returns the intervals of an index, by member.
    func intervals(at index: Int) throws -> [Interval] {
        if let known = byIndex[index] { return known }
        let intervals = try read(index).sorted { $0.id < $1.id }
        byIndex[index] = intervals
        return intervals
    }

    /// Returns an interval.
    func interval(_ id: IntervalID) throws -> Interval? {
        let intervals = try intervals(at: id.index)
        let place = intervals.place(of: id)
        return place < intervals.count && intervals[place].id == id ? intervals[place] : nil
    }

    /// Adds an interval that was created by a decision of this moment.
    func add(_ interval: Interval) {
        added[interval.id.index, default: []].append(interval)
    }

    /// Returns what members other than one train with that took over a donor for an index, by member: hyperparameters
    /// as they were decided, regardless of later pushes, and the donor's score.
    func explored(at index: Int, but member: Int) throws -> [(Hyperparameters, before: Double)] {
        var explored: [Int: Interval] = [:]
        for interval in try intervals(at: index) + (added[index] ?? [])
        where interval.isExploit && interval.id.member != member {
            explored[interval.id.member] = interval
        }
        return try explored.sorted { $0.key < $1.key }.compactMap { _, interval in
            try interval.parent.flatMap { try self.interval($0) }?.finiteScore.map {
                (interval.decidedHyperparameters, $0)
            }
        }
    }
}

extension Interval {
    /// The hyperparameters before any were pushed by hand.
    fileprivate var decidedHyperparameters: Hyperparameters {
        var result = hyperparameters
        for change in changes.reversed() where change.isByHand {
            if change.old == .null {
                result.values.removeValue(forKey: change.name)
            } else {
                result[change.name] = change.old
            }
        }
        return result
    }
}
