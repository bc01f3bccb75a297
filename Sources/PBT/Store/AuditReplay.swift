// SPDX-License-Identifier: Apache-2.0

/// Goes through a run's rows in the recorded order, with the same steps as a ``Ledger`` that finishes an interval.
struct AuditReplay {
    let experiment: Experiment
    let strategies: Strategies
    private let rows: [IntervalID: Interval]
    private let order: [Interval]
    /// Intervals decided late, in the order of the decisions.
    private let late: [(decided: Interval.Decided, interval: Interval)]
    private var population: Population
    /// Synchronous only: of each generation, how many intervals there are that have not finished yet.
    private var unfinished: [Int: Int] = [:]
    /// Intervals that founders and decisions account for.
    private var accounted: Set<IntervalID> = []

    private(set) var findings: [Audit.Finding] = []
    private(set) var founders: [Audit.Founder] = []
    private(set) var mismatches: [Audit.Mismatch] = []

    init(experiment: Experiment, intervals: [Interval], strategies: Strategies) {
        self.experiment = experiment
        self.strategies = strategies
        rows = Dictionary(intervals.map { ($0.id, $0) }) { first, _ in first }
        order = intervals.filter { $0.sequence != nil }.sorted {
            ($0.sequence ?? 0, $0.id) < ($1.sequence ?? 0, $1.id)
        }
        late =
            experiment.decides == .late
            ? intervals.compactMap { interval in interval.decided.map { ($0, interval) } }.sorted {
                $0.decided.order < $1.decided.order
            } : []
        population = Population(
            objective: experiment.objective, seed: experiment.seed, size: experiment.population)
        if experiment.isSynchronous {
            for interval in intervals { unfinished[interval.id.index, default: 0] += 1 }
        }
    }

    mutating func run(detailsOf isDetailed: (IntervalID) -> Bool) throws {
        checkOrder()
        for interval in rows.values.filter({ $0.id.index == 0 }).sorted(by: { $0.id < $1.id }) {
            check(founder: interval)
        }
        var late = late[...]
        for (place, member, interval) in places() {
            while let next = late.first, next.decided.after <= place {
                late.removeFirst()
                try decideLate(next.interval, next.decided, detailsOf: isDetailed)
            }
            if let standing = interval.flatMap({ experiment.standing(of: $0, after: population[id: member]) }) {
                population.update(standing)
            } else {
                population.remove(member)
            }
            guard let interval else { continue }
            for replaced in try decisions(after: interval, detailsOf: isDetailed) where replaced.replaces {
                population.remove(replaced.interval.member)
            }
        }
        for (decided, interval) in late { try decideLate(interval, decided, detailsOf: isDetailed) }
        for id in rows.keys.sorted() where !accounted.contains(id) {
            mismatches.append(Audit.Mismatch(interval: id, problem: "nothing that has finished leads to it"))
        }
    }

    /// What happened in the order in which intervals finished: the place, the member, and the interval; none where it
    /// was begun again later, so that only its having finished counts.
    private func places() -> [(place: Int64, member: Int, interval: Interval?)] {
        let finished = order.filter(\.state.isFinished).map { interval in
            (place: interval.sequence ?? 0, member: interval.id.member, interval: Optional(interval))
        }
        let reopened = rows.values.flatMap { interval in
            interval.earlierPlaces.map { (place: $0, member: interval.id.member, interval: Interval?.none) }
        }
        return (finished + reopened).sorted { $0.place < $1.place }
    }

    /// The finished intervals are numbered from 0 without a gap, and no other is; late decisions as well.
    private mutating func checkOrder() {
        let earlier = Set(rows.values.flatMap(\.earlierPlaces))
        var expected: Int64 = 0
        for interval in order {
            while earlier.contains(expected) { expected += 1 }
            guard interval.sequence != expected else {
                expected += 1
                continue
            }
            mismatches.append(
                Audit.Mismatch(
                    interval: interval.id,
                    problem:
                        "its place in the order is recorded as \(interval.sequence ?? -1), and there are \(expected) before it"
                ))
            break
        }
        for (place, (decided, interval)) in late.enumerated() where decided.order != Int64(place) {
            mismatches.append(
                Audit.Mismatch(
                    interval: interval.id,
                    problem:
                        "its place in the order of late decisions is recorded as \(decided.order), and there are \(place) before it"
                ))
            break
        }
        for interval in rows.values.sorted(by: { $0.id < $1.id })
        where interval.state.isFinished != (interval.sequence != nil) {
            let problem =
                interval.state.isFinished
                ? "it is \(interval.state.rawValue), but has no place in the order"
                : "it has a place in the order, but is \(interval.state.rawValue)"
            mismatches.append(Audit.Mismatch(interval: interval.id, problem: problem))
        }
    }

    private mutating func decisions(
        after interval: Interval, detailsOf isDetailed: (IntervalID) -> Bool
    ) throws -> [Decision] {
        if experiment.decides == .late, !experiment.ends(after: interval) {
            let isDecided = rows[IntervalID(member: interval.id.member, index: interval.id.index + 1)] != nil
            if interval.isUndecided == isDecided {
                mismatches.append(
                    Audit.Mismatch(
                        interval: interval.id,
                        problem: isDecided
                            ? "it is decided about, but recorded as waiting for a decision"
                            : "nobody has decided about it, but it is not recorded as waiting for a decision"))
            }
            return []
        }
        guard experiment.isSynchronous else {
            let next = rows[IntervalID(member: interval.id.member, index: interval.id.index + 1)]
            population.declaredSize = next?.decided?.members ?? experiment.population
            return [try decide(after: interval, detailsOf: isDetailed)]
        }
        let generation = interval.id.index
        unfinished[generation, default: 0] -= 1
        guard unfinished[generation] == 0 else { return [] }
        return try (0..<experiment.population)
            .compactMap { rows[IntervalID(member: $0, index: generation)] }
            .map { try decide(after: $0, detailsOf: isDetailed) }
    }

    /// A decision made when somebody asked for work.
    private mutating func decideLate(
        _ next: Interval, _ decided: Interval.Decided, detailsOf isDetailed: (IntervalID) -> Bool
    ) throws {
        let before = rows[IntervalID(member: next.id.member, index: next.id.index - 1)]
        guard let before, let sequence = before.sequence, sequence < decided.after else {
            // It is accounted for by nothing, and found as that.
            return
        }
        population.declaredSize = decided.members
        let decision = try decide(after: before, detailsOf: isDetailed)
        if decision.replaces { population.remove(next.id.member) }
    }

    private mutating func decide(
        after interval: Interval, detailsOf isDetailed: (IntervalID) -> Bool
    ) throws -> Decision {
        let decision = try experiment.decide(
            after: interval, in: population, strategies: strategies, at: interval.finished ?? interval.created)
        let nextID = IntervalID(member: interval.id.member, index: interval.id.index + 1)
        let recorded = rows[nextID]
        if recorded != nil { accounted.insert(nextID) }
        var differences: [String] = []
        let expected = decision.next.map { Self.applying(recorded?.changes ?? [], to: $0, &differences) }
        differences += self.differences(of: recorded, from: expected)
        findings.append(
            Audit.Finding(
                decision: decision, rankedCount: population.count, rank: population.rank(of: interval.id.member),
                choice: isDetailed(interval.id) ? choice(after: interval) : nil, recorded: recorded,
                differences: differences))
        mismatches += differences.map { Audit.Mismatch(interval: nextID, problem: $0) }
        return decision
    }

    /// The choice of a donor with its steps, by the same rule and draws as the decision.
    private func choice(after interval: Interval) -> ExploitChoice? {
        let (id, exploit) = (interval.id, experiment.exploit)
        guard experiment.kind == .populationBasedTraining, exploit != .none, id.index + 1 < experiment.intervals
        else { return nil }
        if case .custom = exploit.kind, population[id: id.member] != nil { return nil }
        var random = RandomStream(seed: experiment.seed, .exploit, member: id.member, index: id.index + 1)
        return exploit.choose(for: id.member, depth: interval.depth, in: population, using: &random)
    }

    // MARK: Founders

    private mutating func check(founder interval: Interval) {
        accounted.insert(interval.id)
        let member = interval.id.member
        var expected = experiment.firstInterval(of: member, at: interval.created)
        let origin: Audit.Founder.Origin
        var differences: [String] = []
        if case .replay = experiment.kind {
            origin = .schedule
        } else if experiment.kind == .manual {
            origin = .manual
            expected.hyperparameters = interval.hyperparameters
        } else if !interval.changes.isEmpty {
            origin = .pushed(interval.changes.map(\.name))
            expected = Self.applying(interval.changes, to: expected, &differences)
        } else if experiment.initial.indices.contains(member), !experiment.initial[member].values.isEmpty {
            origin = .listed(experiment.initial[member].names)
        } else {
            origin = .sampled
        }
        differences += self.differences(of: interval, from: expected)
        founders.append(Audit.Founder(interval: interval.id, origin: origin, differences: differences))
        mismatches += differences.map { Audit.Mismatch(interval: interval.id, problem: $0) }
    }

    // MARK: Comparison

    /// What was derived, with the changes applied that were made by hand afterwards.
    private static func applying(_ changes: [Change], to derived: Interval, _ differences: inout [String]) -> Interval {
        var interval = derived
        for change in changes where change.isByHand {
            if !(interval.hyperparameters[change.name] ?? .null).isIdentical(to: change.old) {
                differences.append("what was pushed over \(change.name) was \(change.old), not what is derived")
            }
            if change.isRemoval {
                // Not `? nil :`, whose nil would be JSON's null, as `Value` has such a literal.
                interval.hyperparameters.values.removeValue(forKey: change.name)
            } else {
                interval.hyperparameters[change.name] = change.new
            }
            interval.changes.append(change)
        }
        return interval
    }

    private func differences(of recorded: Interval?, from derived: Interval?) -> [String] {
        guard let derived else {
            return recorded == nil ? [] : ["it is recorded, though its member has ended"]
        }
        guard let recorded else { return ["it is not recorded"] }
        var differences: [String] = []
        if recorded.parent != derived.parent {
            differences.append(
                "its parent is recorded as \(recorded.parent?.description ?? "none"), derived: "
                    + (derived.parent?.description ?? "none"))
        }
        if recorded.depth != derived.depth {
            differences.append("its depth is recorded as \(recorded.depth), derived: \(derived.depth)")
        }
        let names = Set(recorded.hyperparameters.names).union(derived.hyperparameters.names)
        for name in names.sorted() {
            let (old, new) = (recorded.hyperparameters[name], derived.hyperparameters[name])
            if let old, let new, experiment.space.isSame(old, new, for: name) { continue }
            differences.append(
                "\(name) is recorded as \(old?.json ?? "nothing"), derived: \(new?.json ?? "nothing")")
        }
        let isSame =
            recorded.changes.count == derived.changes.count
            && zip(recorded.changes, derived.changes).allSatisfy { $0.isSame(as: $1, in: experiment.space) }
        if !isSame { differences.append("its changes are recorded otherwise than derived") }
        return differences
    }
}

extension Change {
    fileprivate func isSame(as other: Self, in space: SearchSpace) -> Bool {
        name == other.name && operation == other.operation && space.isSame(old, other.old, for: name)
            && space.isSame(new, other.new, for: name)
    }
}

extension SearchSpace {
    /// Whether two values of a hyperparameter are the same to the last bit, or the same point of its grid.
    ///
    /// Stores of version 0.2 have points of a grid with the error of their sum: 0.30000000000000004 for 0.3.
    fileprivate func isSame(_ one: PBT.Value, _ other: PBT.Value, for name: String) -> Bool {
        if one.isIdentical(to: other) { return true }
        guard case .real(let real)? = dimensions[name]?.domain, let quantum = real.quantum,
            case (.number(let a), .number(let b)) = (one, other)
        else { return false }
        return (a - b).magnitude <= 1e-9 * quantum
    }
}

extension Value {
    /// Whether two values are the same to the last bit: 0 and -0 differ, as do 1 and 1.0.
    package func isIdentical(to other: Self) -> Bool {
        switch (self, other) {
        case (.number(let a), .number(let b)): a.bitPattern == b.bitPattern
        case (.array(let a), .array(let b)): a.count == b.count && zip(a, b).allSatisfy { $0.isIdentical(to: $1) }
        case (.object(let a), .object(let b)):
            a.count == b.count && a.allSatisfy { name, value in b[name]?.isIdentical(to: value) ?? false }
        default: self == other
        }
    }
}
