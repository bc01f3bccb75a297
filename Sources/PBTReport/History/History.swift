// SPDX-License-Identifier: Apache-2.0

public import PBT

/// What every chart and table is made from: an experiment, its intervals, and those of its baseline, as of now.
///
/// A value: made from rows that were read, it never changes and reads nothing.
public struct History: Sendable {
    /// The experiment.
    public let record: ExperimentRecord
    /// Its intervals, and who continued whom.
    public let genealogy: Genealogy
    /// The intervals of the random search beside it; none when there is none.
    public let baseline: Genealogy?
    /// The members' lives, cut at every copy out of them; see ``Piece``.
    public let pieces: [Piece]
    /// The best done interval: by score, of equal ones the one that finished first.
    public let best: Interval?
    /// The baseline's best done interval.
    public let baselineBest: Interval?
    /// What is left of today's population's ancestors; see ``Families``.
    public let families: Families
    package let columns: Columns
    let baselineColumns: Columns?
    /// The hyperparameters that take more than one value, by name.
    let varying: [Varying]
    /// How many intervals continue another member's checkpoint.
    public let copies: Int
    /// For each interval, the number of its piece.
    package let pieceOfPlace: [Int]

    /// The history of an experiment.
    ///
    /// - Parameters:
    ///   - record: The experiment.
    ///   - intervals: All its intervals, in any order.
    ///   - baseline: All intervals of the random search beside it, in any order; none when there is none.
    public init(_ record: ExperimentRecord, intervals: [Interval], baseline: [Interval]? = nil) {
        let genealogy = Genealogy(intervals)
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
        best = Self.best(of: genealogy, columns, by: objective)
        baselineBest = self.baseline.flatMap { baseline in
            baselineColumns.flatMap { Self.best(of: baseline, $0, by: objective) }
        }
        self.columns = columns
        self.baselineColumns = baselineColumns
    }

    /// The path of parents of an interval, from its founder to itself; empty when there is no such interval.
    public func lineage(of id: IntervalID) -> [Interval] {
        genealogy.lineage(of: id)
    }

    /// The hyperparameters along an interval's lineage, one entry an interval of training, numbered from 0.
    public func schedule(of id: IntervalID) -> [(interval: Int, hyperparameters: Hyperparameters)] {
        genealogy.schedule(of: id)
    }

    /// The pieces that an interval's lineage goes through, from the founder's first to the one that holds it.
    ///
    /// All intervals of all but the last of them belong to the lineage.
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
    /// All that a script needs to follow an ancestry.
    public var pieceParents: [Int?] {
        pieces.map(\.parent)
    }

    /// For each interval, the number of the first piece of the life that it belongs to.
    package var firstPieces: [Int] {
        pieceOfPlace.map { $0 - pieces[$0].part }
    }

    /// All intervals in some state, by member and index.
    package func intervals(_ state: Interval.State) -> [Interval] {
        columns.states.indices.filter { columns.states[$0] == state }.map { genealogy.intervals[$0] }
    }

    /// All intervals that continue another member's checkpoint, by member and index.
    package var exploits: [Interval] {
        columns.isExploit.indices.filter { columns.isExploit[$0] }.map { genealogy.intervals[$0] }
    }

    /// The intervals of each member, those of one member together.
    package var members: [ArraySlice<Interval>] {
        zip(columns.starts, columns.starts.dropFirst()).map { genealogy.intervals[$0..<$1] }
    }

    /// The intervals of a member, by index; none when there is no such member.
    package func intervals(ofMember member: Int) -> ArraySlice<Interval> {
        let first = columns.starts.dropLast().firstIndex { columns.ids[$0].member == member }
        guard let first else { return [] }
        return genealogy.intervals[columns.starts[first]..<columns.starts[first + 1]]
    }

    private static func best(of genealogy: Genealogy, _ columns: Columns, by objective: Objective) -> Interval? {
        let intervals = genealogy.intervals
        var best: (place: Int, score: Double)?
        for (place, score) in columns.scores.enumerated() where !score.isNaN {
            guard let leader = best else {
                best = (place, score)
                continue
            }
            if objective.isBetter(score, than: leader.score)
                || (score == leader.score && intervals[place].finishesBefore(intervals[leader.place]))
            {
                best = (place, score)
            }
        }
        return best.map { intervals[$0.place] }
    }
}

extension Interval {
    /// The order in which intervals finished; those without a place in it last, by index and member.
    func finishesBefore(_ other: Interval) -> Bool {
        let (a, b) = (sequence ?? .max, other.sequence ?? .max)
        return a == b ? (id.index, id.member) < (other.id.index, other.id.member) : a < b
    }

    /// Its score, if it is done and finite.
    var finiteScore: Double? {
        state == .done ? score.flatMap { $0.isFinite ? $0 : nil } : nil
    }
}
