// SPDX-License-Identifier: Apache-2.0

public import PBT

/// An experiment, its intervals, and those of its baseline, at one moment.
///
/// The source of all charts and tables: a value made from rows that were read; see ``HistoryLoader``.
public struct History: Sendable {
    /// The experiment.
    public let record: ExperimentRecord
    /// The intervals, and their parents.
    public let genealogy: Genealogy
    /// The intervals of its random search, if there is one.
    public let baseline: Genealogy?
    /// The members' lives, split at every copy out of them; see ``Piece``.
    public let pieces: [Piece]
    /// The best interval of the record; if that is not among the intervals or no longer the best, the first in the order
    /// of `Objective.prefers(_:to:)`.
    public let best: Interval?
    /// The baseline's best done interval.
    public let baselineBest: Interval?
    /// The families of the current population.
    public let families: Families
    package let columns: Columns
    let baselineColumns: Columns?
    /// The hyperparameters that take more than one value, by name.
    let varying: [Varying]
    /// The number of intervals that continue another member's checkpoint.
    public let copies: Int
    /// The number of each interval's piece.
    package let pieceOfPlace: [Int]

    /// Creates the history of an experiment.
    ///
    /// - Parameters:
    ///   - record: The experiment.
    ///   - intervals: All intervals, in any order.
    ///   - baseline: All intervals of its random search, in any order; none when there is no random search.
    ///   - recorded: The best interval that the record of the random search has.
    public init(
        _ record: ExperimentRecord, intervals: [Interval], baseline: [Interval]? = nil,
        baselineBest recorded: IntervalID? = nil
    ) {
        // In a search with copies, lineages and the places of decisions need deleted ones too.
        let isFlat = record.experiment.kind != .populationBasedTraining
        let genealogy = Genealogy(isFlat ? intervals.filter { !$0.isDeleted } : intervals)
        self.record = record
        self.genealogy = genealogy
        self.baseline = baseline.map { Genealogy($0) }
        (pieces, pieceOfPlace) = Piece.cut(genealogy)
        let columns = Columns(genealogy.intervals)
        let baselineColumns = self.baseline.map { Columns($0.intervals) }
        families = Families(genealogy, columns)
        copies = columns.isExploit.count { $0 }
        varying = Varying.all(
            genealogy.intervals, baseline: self.baseline?.intervals, in: record.experiment.space)
        let objective = record.experiment.objective
        best = Self.best(of: genealogy, columns, by: objective, recorded: record.best)
        baselineBest = self.baseline.flatMap { baseline in
            baselineColumns.flatMap { Self.best(of: baseline, $0, by: objective, recorded: recorded) }
        }
        self.columns = columns
        self.baselineColumns = baselineColumns
    }

    /// Returns the lineage of an interval, from its founder to itself; empty when there is no such interval.
    public func lineage(of id: IntervalID) -> [Interval] {
        genealogy.lineage(of: id)
    }

    /// Returns the hyperparameters along an interval's lineage, one entry per training interval, numbered from 0.
    public func schedule(of id: IntervalID) -> [(interval: Int, hyperparameters: Hyperparameters)] {
        genealogy.schedule(of: id)
    }

    /// Returns the pieces of an interval's lineage, from the founder's first to the one that contains it.
    ///
    /// All intervals of these pieces belong to the lineage, except later ones of the last piece.
    public func pieces(to id: IntervalID) -> [Piece] {
        guard let place = genealogy.place(of: id) else { return [] }
        var path = [pieces[pieceOfPlace[place]]]
        while let parent = path.last?.parent {
            path.append(pieces[parent])
        }
        return path.reversed()
    }

    /// For each piece, the number of the piece that it continues; none for a founder's first.
    ///
    /// Enough for a script to follow a lineage.
    public var pieceParents: [Int?] {
        pieces.map(\.parent)
    }

    /// The number of the first piece of each interval's life.
    package var firstPieces: [Int] {
        pieceOfPlace.map { $0 - pieces[$0].part }
    }

    /// Returns all intervals in a state, by member and index.
    package func intervals(_ state: Interval.State) -> [Interval] {
        columns.states.indices.filter { columns.states[$0] == state }.map { genealogy.intervals[$0] }
    }

    /// All intervals that continue another member's checkpoint, by member and index.
    package var exploits: [Interval] {
        columns.isExploit.indices.filter { columns.isExploit[$0] }.map { genealogy.intervals[$0] }
    }

    /// The intervals, grouped by member.
    package var members: [ArraySlice<Interval>] {
        zip(columns.starts, columns.starts.dropFirst()).map { genealogy.intervals[$0..<$1] }
    }

    /// Returns the intervals of a member, by index; empty when there is no such member.
    package func intervals(ofMember member: Int) -> ArraySlice<Interval> {
        let first = columns.starts.dropLast().firstIndex { columns.ids[$0].member == member }
        guard let first else { return [] }
        return genealogy.intervals[columns.starts[first]..<columns.starts[first + 1]]
    }

    private static func best(
        of genealogy: Genealogy, _ columns: Columns, by objective: Objective, recorded: IntervalID? = nil
    ) -> Interval? {
        let intervals = genealogy.intervals
        var best: (place: Int, score: Double)?
        for (place, score) in columns.scores.enumerated() where !score.isNaN {
            guard let leader = best else {
                best = (place, score)
                continue
            }
            if objective.isBetter(score, than: leader.score)
                || (score == leader.score && objective.prefers(intervals[place], to: intervals[leader.place]))
            {
                best = (place, score)
            }
        }
        // The checkpoint of the recorded one is kept. It has the best mean of repeated evaluations, or the best score, of
        // which an earlier version recorded the first.
        if let best, let recorded = recorded.flatMap({ genealogy[$0] }),
            recorded.finiteScore == best.score || recorded.evaluated != nil
        {
            return recorded
        }
        return best.map { intervals[$0.place] }
    }
}

extension Interval {
    /// The score, if the interval is done and the score is finite.
    var finiteScore: Double? {
        state == .done ? score.flatMap { $0.isFinite ? $0 : nil } : nil
    }
}
