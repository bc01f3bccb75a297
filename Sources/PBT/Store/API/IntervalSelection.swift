// SPDX-License-Identifier: Apache-2.0

/// A selection of an experiment's intervals: those that satisfy all of its conditions.
public struct IntervalSelection: Sendable, Hashable {
    /// Only those of this member; nil for all members.
    public var member: Int?
    /// Only those in this state; nil for all states.
    public var state: Interval.State?
    /// Only those whose checkpoint is in one of these states; nil for all.
    public var checkpoints: Set<Interval.CheckpointState>?
    /// Only the one with the greatest index of each member.
    public var newestOnly: Bool
    /// Only those that come after this one, by member and index.
    public var after: IntervalID?
    /// The maximum number of intervals; at least 1.
    public var limit: Int

    /// Creates a selection, by default of all intervals.
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

    /// Returns the selected ones of an experiment's intervals, which must be sorted by member and index.
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
