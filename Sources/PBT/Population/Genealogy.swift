// SPDX-License-Identifier: Apache-2.0

/// Who continued whom: the tree (in truth a forest, one tree a founder) of an experiment's intervals.
public struct Genealogy: Sendable {
    /// The intervals, by member and index.
    public let intervals: [Interval]
    /// For each interval, the place of its parent in ``intervals``; none for a founder.
    package let parents: [Int?]

    /// The genealogy of these intervals, in any order.
    ///
    /// A parent that is not among them, or that does not hold less training than its child, counts as none, so every
    /// path of parents ends.
    public init(_ intervals: [Interval]) {
        // Looked at field by field: to copy intervals takes longer than all else.
        var sorted = intervals
        if !intervals.indices.dropFirst().allSatisfy({ intervals[$0 - 1].id < intervals[$0].id }) {
            sorted.sort { $0.id < $1.id }
        }
        self.intervals = sorted
        parents = sorted.indices.map { child in
            guard let parent = sorted[child].parent else { return nil }
            // Most intervals continue their own member's.
            let place =
                child > 0 && sorted[child - 1].id == parent ? child - 1 : Self.place(of: parent, in: sorted)
            guard let place, sorted[place].depth < sorted[child].depth else { return nil }
            return place
        }
    }

    /// The interval of that name.
    public subscript(id: IntervalID) -> Interval? {
        place(of: id).map { intervals[$0] }
    }

    /// The place of an interval in ``intervals``.
    package func place(of id: IntervalID) -> Int? {
        Self.place(of: id, in: intervals)
    }

    /// The places of an interval's lineage, from its founder to itself.
    package func lineage(at place: Int) -> [Int] {
        var path = [place]
        var current = place
        while let parent = parents[current] {
            path.append(parent)
            current = parent
        }
        return path.reversed()
    }

    /// The path of parents of an interval, from its founder to itself; empty when there is no such interval.
    public func lineage(of id: IntervalID) -> [Interval] {
        place(of: id).map { lineage(at: $0).map { intervals[$0] } } ?? []
    }

    /// The hyperparameters along an interval's lineage: what trained its checkpoint, one entry an interval of training.
    ///
    /// - Returns: The number of the interval along the lineage, from 0, and what it trained with.
    public func schedule(of id: IntervalID) -> [(interval: Int, hyperparameters: Hyperparameters)] {
        lineage(of: id).enumerated().map { ($0.offset, $0.element.hyperparameters) }
    }

    private static func place(of id: IntervalID, in sorted: [Interval]) -> Int? {
        let place = sorted.place(of: id)
        return place < sorted.count && sorted[place].id == id ? place : nil
    }
}
