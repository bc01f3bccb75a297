// SPDX-License-Identifier: Apache-2.0

/// The genealogy of an experiment's intervals: a forest with one tree per founder.
public struct Genealogy: Sendable {
    /// The intervals, by member and index.
    public let intervals: [Interval]
    /// The index of each interval's parent in ``intervals``; nil for a founder.
    package let parents: [Int?]

    /// Creates the genealogy of intervals, in any order.
    ///
    /// A parent that is missing, or whose depth is not less than its child's, is ignored, so every path of parents
    /// ends.
    public init(_ intervals: [Interval]) {
        // Only fields are accessed, since copying intervals would dominate the time.
        var sorted = intervals
        if !intervals.indices.dropFirst().allSatisfy({ intervals[$0 - 1].id < intervals[$0].id }) {
            sorted.sort { $0.id < $1.id }
        }
        self.intervals = sorted
        parents = sorted.indices.map { child in
            guard let parent = sorted[child].parent else { return nil }
            // Most intervals continue their own member.
            let place =
                child > 0 && sorted[child - 1].id == parent ? child - 1 : Self.place(of: parent, in: sorted)
            guard let place, sorted[place].depth < sorted[child].depth else { return nil }
            return place
        }
    }

    /// The interval with an identifier.
    public subscript(id: IntervalID) -> Interval? {
        place(of: id).map { intervals[$0] }
    }

    /// Returns the index of an interval in ``intervals``.
    package func place(of id: IntervalID) -> Int? {
        Self.place(of: id, in: intervals)
    }

    /// Returns the indices of an interval's lineage, from its founder to itself.
    package func lineage(at place: Int) -> [Int] {
        var path = [place]
        var current = place
        while let parent = parents[current] {
            path.append(parent)
            current = parent
        }
        return path.reversed()
    }

    /// Returns the lineage of an interval, from its founder to itself; empty if there is no such interval.
    public func lineage(of id: IntervalID) -> [Interval] {
        place(of: id).map { lineage(at: $0).map { intervals[$0] } } ?? []
    }

    /// Returns the hyperparameters along an interval's lineage: the schedule that trained its checkpoint.
    ///
    /// - Returns: The position of each interval in the lineage, from 0, and its hyperparameters.
    public func schedule(of id: IntervalID) -> [(interval: Int, hyperparameters: Hyperparameters)] {
        lineage(of: id).enumerated().map { ($0.offset, $0.element.hyperparameters) }
    }

    private static func place(of id: IntervalID, in sorted: [Interval]) -> Int? {
        let place = sorted.place(of: id)
        return place < sorted.count && sorted[place].id == id ? place : nil
    }
}
