// SPDX-License-Identifier: Apache-2.0

/// The rungs of successive halving: many founders train briefly, and the best part of them continues, repeatedly.
///
/// With factor η and a first rung of r intervals, members are compared after r, rη, rη², … intervals, at each depth
/// below the budget R. Of n founders max(1, ⌊n/ηⁱ⁾⌋) reach the i-th rung; those that do not end there. The last ones
/// train for R intervals.
///
/// Source: Jamieson & Talwalkar 2016, "Non-stochastic Best Arm Identification and Hyperparameter Optimization", and
/// Li et al. 2020, "A System for Massively Parallel Hyperparameter Tuning" (section 3, algorithm 1).
public struct Halving: Sendable, Hashable {
    /// The reduction factor: one of so many continues; 2 to 1000.
    public var factor: Int
    /// The number of intervals that every founder trains; 1 to 1,000,000.
    public var first: Int

    /// Creates rungs; by default one of 3 continues, after 1, 3, 9, … intervals.
    public init(factor: Int = 3, first: Int = 1) {
        self.factor = factor
        self.first = first
    }

    /// Returns the depths of the rungs, in intervals: those that are less than the budget of a member.
    package func rungs(below intervals: Int) -> [Int] {
        var rungs: [Int] = []
        var depth = max(1, first)
        while depth < intervals {
            rungs.append(depth)
            depth = depth.multiplied(saturatingBy: max(2, factor))
        }
        return rungs
    }

    /// Returns the number of members that train towards a rung, from 0; beyond the last rung, towards the budget.
    package func members(of founders: Int, towards rung: Int) -> Int {
        var members = founders
        for _ in 0..<rung { members /= max(2, factor) }
        return max(1, members)
    }

    /// Returns the number of intervals that all members train, if none diverges or fails.
    ///
    /// - Parameters:
    ///   - founders: The number of founders.
    ///   - intervals: The budget of a member.
    /// - Returns: The sum over the rungs; saturated.
    public func planned(founders: Int, intervals: Int) -> Int {
        var (sum, before) = (0, 0)
        for (rung, depth) in (rungs(below: intervals) + [intervals]).enumerated() {
            let members = members(of: founders, towards: rung)
            sum = sum.adding(saturating: members.multiplied(saturatingBy: depth - before))
            before = depth
        }
        return sum
    }

    /// Returns the greatest number of founders whose search trains at most a number of intervals; at least 1.
    ///
    /// - Parameters:
    ///   - total: The number of intervals of all members.
    ///   - intervals: The budget of a member.
    /// - Returns: The number of founders, at most 1,000,000.
    public func founders(total: Int, intervals: Int) -> Int {
        // More founders never need less.
        var (low, high) = (1, Limits.members)
        while low < high {
            let middle = (low + high + 1) / 2
            if planned(founders: middle, intervals: intervals) <= total { low = middle } else { high = middle - 1 }
        }
        return low
    }
}

extension Experiment {
    /// The search that runs alongside an experiment, to compare with.
    public enum Baseline: Sendable, Hashable {
        /// A random search with the same founders.
        case randomSearch
        /// A search by successive halving whose first founders are the same.
        case successiveHalving(Halving)

        /// The name, in small letters.
        package var words: String {
            switch self {
            case .randomSearch: "random search"
            case .successiveHalving: "successive halving"
            }
        }

        /// The word in a file, and the end of the baseline's name.
        package var keyword: String {
            switch self {
            case .randomSearch: "random_search"
            case .successiveHalving: "successive_halving"
            }
        }
    }

    /// The rungs, if the kind is ``Kind/successiveHalving(_:)``.
    package var halving: Halving? {
        if case .successiveHalving(let halving) = kind { halving } else { nil }
    }

    /// The number of intervals that all members train, if none ends before its time.
    package var plannedIntervals: Int {
        halving?.planned(founders: population, intervals: intervals) ?? population.multiplied(saturatingBy: intervals)
    }

    /// The depths at which members are compared.
    private var rungs: [Int] { halving?.rungs(below: intervals) ?? [] }

    /// Returns the number of the rung that an interval of an index leads to exactly; nil if it leads to none.
    package func rung(at index: Int) -> Int? {
        rungs.firstIndex { $0 == index + 1 }
    }

    /// Returns the index of the first interval that leads to a rung, among those that are not before an index.
    package func rungIndex(notBefore index: Int) -> Int? {
        rungs.first { $0 > index }.map { $0 - 1 }
    }

    /// Returns the depth at which a member that trains an interval of an index is next compared, or ends.
    package func stageEnd(of index: Int) -> Int {
        rungs.first { $0 > index } ?? intervals
    }

    /// Returns the index of the first interval after the rung before an index.
    package func stageStart(of index: Int) -> Int {
        rungs.last { $0 <= index } ?? 0
    }

    /// Returns the number of members that are to report at an index.
    package func members(reportingAt index: Int) -> Int {
        guard let halving, let rung = rung(at: index) else { return population }
        return halving.members(of: population, towards: rung)
    }

    /// Returns the number of members that continue beyond a rung; nil for an index that is not a rung's.
    package func members(continuingAfter index: Int) -> Int? {
        guard let halving, let rung = rung(at: index) else { return nil }
        return halving.members(of: population, towards: rung + 1)
    }

    /// Returns the outcome at a rung: the best continue, the rest ends.
    ///
    /// - Parameters:
    ///   - interval: The interval that finished, at any depth.
    ///   - population: The members that have reported at that depth. Used at rungs only; certain if the missing ones
    ///     cannot change on which side of the cut the member is.
    /// - Returns: True if the member continues.
    func continuesHalving(after interval: Interval, in population: Population) -> Bool {
        guard interval.state == .done else { return false }
        guard let kept = members(continuingAfter: interval.id.index) else { return true }
        return population.rank(of: interval.id.member).map { $0 < kept } ?? false
    }

    /// Returns true if a member was left behind at a rung, so that its checkpoint is not needed any more.
    package func isLeftBehind(by decision: Decision) -> Bool {
        halving != nil && decision.outcome == .ends && decision.interval.index + 1 < intervals
    }

    /// The search by successive halving that an experiment is compared with.
    ///
    /// It trains at most as many intervals as the experiment, and as many of them as whole founders allow. The number
    /// of founders is at least that of the experiment, whose founders are the first of them.
    func halved(by halving: Halving) -> Experiment {
        var baseline = self
        baseline.kind = .successiveHalving(halving)
        baseline.population = halving.founders(total: plannedIntervals, intervals: intervals)
        baseline.decides = .certain
        return baseline
    }

    /// Returns the changes of a search by successive halving, or of a baseline that is one, as sentences: its rungs
    /// cannot change once it has begun.
    func halvingObstacles(toFollow earlier: Experiment) -> [String] {
        if halving != nil, earlier.halving != nil {
            return conflictingDifferences(from: earlier).filter { $0.key != "objective" }.map {
                "\($0): a search by successive halving cannot change, since its rungs depend on it"
            }
        }
        guard let kind = baselineKind, let before = earlier.baselineKind else { return [] }
        guard kind.keyword == before.keyword else {
            return [
                "baseline: \(before.keyword) → \(kind.keyword): a baseline cannot be replaced by another; remove it "
                    + "with baseline: false first"
            ]
        }
        guard case .successiveHalving = kind, let new = baseline, let old = earlier.baseline else { return [] }
        return new.conflictingDifferences(from: old).filter { $0.key != "kind" }.map {
            "\($0): its baseline by successive halving cannot follow, since its rungs depend on it; remove the "
                + "baseline with baseline: false"
        }
    }
}

extension Experiment {
    /// Reads the rungs of a search by successive halving, or of a baseline that is one.
    ///
    /// - Parameters:
    ///   - reader: The definition.
    ///   - kind: The kind that it names.
    /// - Returns: The kind, with its rungs if it has some.
    static func readHalving(_ reader: ObjectReader, kind: Kind?) throws(DocumentError) -> Halving? {
        let isKind: Bool
        if case .successiveHalving = kind { isKind = true } else { isKind = false }
        let isBaseline = reader.document("baseline")?.value == "successive_halving"
        guard isKind || isBaseline else {
            guard reader.document("halving") == nil || kind == nil else {
                throw reader.error(
                    "halving", "requires kind: successive_halving or baseline: successive_halving")
            }
            return nil
        }
        if isKind {
            if reader.document("synchronous").map({ $0.value != false }) ?? false {
                throw reader.error(
                    "synchronous", "cannot be combined with kind: successive_halving, which waits at its rungs only")
            }
            if let decide = reader.document("decide"), decide.value != "certain" {
                throw reader.error(
                    "decide",
                    "must be certain for kind: successive_halving, without patience and deadline, not "
                        + decide.value.flowText)
            }
            if reader.document("open")?.value == true {
                throw reader.error(
                    "open", "cannot be combined with kind: successive_halving, whose rungs have fixed sizes")
            }
        }
        guard let document = reader.document("halving") else { return Halving() }
        let rungs = try ObjectReader(
            document, path: "halving", known: ["factor", "first"],
            hints: [
                "eta": "write factor: 3", "reduction_factor": "write factor: 3", "min_resource": "write first: 1",
                "grace_period": "write first: 1",
            ])
        return Halving(
            factor: try rungs.int("factor", atLeast: 2, atMost: 1000) ?? 3,
            first: try rungs.int("first", atLeast: 1, atMost: Limits.ordinals.upperBound) ?? 1)
    }
}

extension Halving {
    /// The rungs as in an experiment file.
    package var value: Value {
        ["factor": .integer(factor), "first": .integer(first)]
    }
}
