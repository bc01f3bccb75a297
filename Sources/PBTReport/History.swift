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
    let columns: Columns
    let baselineColumns: Columns?
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
        families = Families(genealogy)
        columns = Columns(genealogy.intervals)
        baselineColumns = self.baseline.map { Columns($0.intervals) }
        let objective = record.experiment.objective
        best = Self.best(of: genealogy.intervals, by: objective)
        baselineBest = self.baseline.flatMap { Self.best(of: $0.intervals, by: objective) }
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

    /// How many intervals continue another member's checkpoint.
    public var copies: Int {
        genealogy.intervals.count { $0.isExploit }
    }

    private static func best(of intervals: [Interval], by objective: Objective) -> Interval? {
        var best: Interval?
        for interval in intervals {
            guard interval.state == .done, let score = interval.score, score.isFinite else { continue }
            guard let current = best, let leading = current.score else {
                best = interval
                continue
            }
            if objective.isBetter(score, than: leading)
                || (score == leading && interval.finishesBefore(current))
            {
                best = interval
            }
        }
        return best
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
