// SPDX-License-Identifier: Apache-2.0

extension Experiment {
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
    /// cannot change once it has started.
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
    /// - Returns: The rungs; nil if neither needs some.
    /// - Throws: A ``DocumentError``, also for keys that rungs cannot be combined with.
    static func readHalving(_ reader: ObjectReader, kind: Kind?) throws(DocumentError) -> Halving? {
        var halving = Halving()
        if let document = reader.document("halving") {
            let rungs = try ObjectReader(
                document, path: "halving", known: ["factor", "first"],
                hints: [
                    "eta": "write factor: 3", "reduction_factor": "write factor: 3", "min_resource": "write first: 1",
                    "grace_period": "write first: 1",
                ])
            halving = Halving(
                factor: try rungs.int("factor", atLeast: 2, atMost: 1000) ?? 3,
                first: try rungs.int("first", atLeast: 1, atMost: Limits.ordinals.upperBound) ?? 1)
        }
        if case .successiveHalving = kind {
            try checkForHalving(reader)
            return halving
        }
        if reader.document("baseline")?.value == "successive_halving" { return halving }
        guard !reader.has("halving") || kind == nil else {
            throw reader.error("halving", "requires kind: successive_halving or baseline: successive_halving")
        }
        return nil
    }

    /// Throws for keys that a search by successive halving cannot be combined with.
    private static func checkForHalving(_ reader: ObjectReader) throws(DocumentError) {
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
}
