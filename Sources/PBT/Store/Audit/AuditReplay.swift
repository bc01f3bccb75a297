// SPDX-License-Identifier: Apache-2.0

/// A replay of a run's rows in the recorded order, with the same steps as a ``Ledger`` that finishes an interval or
/// edits a definition.
struct AuditReplay {
    let strategies: Strategies
    private let revisions: [Revision]
    private let rows: [IntervalID: Interval]
    private let order: [Interval]
    /// Intervals decided late or when certain, in the order of the decisions.
    private let late: [(decided: Interval.Decided, interval: Interval)]
    /// The revision in force.
    private var revision: Revision
    private var population: Population
    /// Intervals that are not finished at this point of the replay.
    private var open: Set<IntervalID> = []
    /// The last intervals of members that have ended, by member.
    private var ended: [Int: Interval] = [:]
    /// Intervals that await their generation, by member; synchronous experiments only.
    private var awaiting: [Int: Interval] = [:]
    /// Intervals that await a late or certain decision, by member.
    private var undecided: [Int: Interval] = [:]
    /// Intervals that are explained by founders and decisions.
    private var accounted: Set<IntervalID> = []
    /// Last intervals of members whose end was undone by an edit.
    private var superseded: Set<IntervalID> = []
    /// The number of members that ever existed; an edit may retire some.
    private var members: Int
    /// The generations, if decisions wait for certainty.
    private var generations: Generations?
    /// The number of intervals that had finished when the decisions at this point of the replay were made.
    private var finishedCount: Int64 = 0
    /// The history that a rule learns from, if the experiment has one that does.
    private var past: AuditHistory?

    private(set) var findings: [Audit.Finding] = []
    private(set) var founders: [Audit.Founder] = []
    private(set) var mismatches: [Audit.Mismatch] = []

    private var experiment: Experiment { revision.experiment }
    private var isRevised: Bool { revision.number > 0 }

    init?(revisions: [Revision], intervals: [Interval], strategies: Strategies) {
        guard let first = revisions.first else { return nil }
        self.revisions = revisions
        self.strategies = strategies
        let rows = Dictionary(intervals.map { ($0.id, $0) }) { first, _ in first }
        self.rows = rows
        order = intervals.filter { $0.sequence != nil }.sorted {
            ($0.sequence ?? 0, $0.id) < ($1.sequence ?? 0, $1.id)
        }
        late = intervals.compactMap { interval in
            guard let decided = interval.decided, interval.id.index > 0 else { return nil }
            let before = rows[IntervalID(member: interval.id.member, index: interval.id.index - 1)]
            let definition = before?.sequence.flatMap { revisions.inForce(atFinish: $0) } ?? first
            // Where members come at any time, early decisions have a note too.
            if definition.experiment.takesMembers, definition.experiment.decides != .late,
                before.map({ !definition.experiment.ends(after: $0) }) ?? true
            {
                return nil
            }
            return (decided, interval)
        }.sorted { $0.decided.order < $1.decided.order }
        if revisions.contains(where: \.experiment.learnsFromHistory) { past = AuditHistory(intervals) }
        revision = first
        members = first.experiment.population
        population = Population(first.experiment)
        generations = Self.generations(of: first.experiment, first: 0, size: members, revision: 0)
    }

    private static func generations(
        of experiment: Experiment, first: Int, size: Int, revision: Int
    ) -> Generations? {
        guard experiment.waitsForCertainty else { return nil }
        return Generations(experiment, first: first, size: size, definition: revision)
    }

    mutating func run(detailsOf isDetailed: (IntervalID) -> Bool) throws {
        checkOrder()
        for interval in rows.values.filter({ $0.id.index == 0 }).sorted(by: { $0.id < $1.id }) {
            check(founder: interval)
            if experiment.takesMembers || interval.id.member < experiment.population { open.insert(interval.id) }
        }
        var late = late[...]
        var coming = revisions.dropFirst()
        for (place, member, interval) in places() {
            try advance(to: place, &late, &coming, detailsOf: isDetailed)
            if let standing = interval.flatMap({ experiment.standing(of: $0, after: population[id: member]) }) {
                population.update(standing)
            } else {
                population.remove(member)
            }
            guard let interval else { continue }
            finishedCount = place + 1
            for replaced in try decisions(after: interval, detailsOf: isDetailed) where replaced.replaces {
                population.remove(replaced.interval.member)
            }
        }
        try advance(to: .max, &late, &coming, detailsOf: isDetailed)
        checkUndecided()
        checkEnds()
        for id in rows.keys.sorted() where !accounted.contains(id) {
            mismatches.append(Audit.Mismatch(interval: id, problem: "it does not follow from any finished interval"))
        }
    }

    /// Checks that nothing is recorded after a member's end, unless an edit undid the end.
    private mutating func checkEnds() {
        findings.removeAll { $0.decision.outcome == .ends && superseded.contains($0.interval) }
        for finding in findings where finding.decision.outcome == .ends {
            mismatches += finding.differences.map { Audit.Mismatch(interval: finding.interval.next, problem: $0) }
        }
    }

    /// Makes the late decisions and adopts the revisions that precede a place in the order.
    private mutating func advance(
        to place: Int64, _ late: inout ArraySlice<(decided: Interval.Decided, interval: Interval)>,
        _ coming: inout ArraySlice<Revision>, detailsOf isDetailed: (IntervalID) -> Bool
    ) throws {
        while true {
            let decision = late.first.flatMap { $0.decided.after <= place ? $0 : nil }
            if let next = coming.first, next.after <= place, decision.map({ next.order <= $0.decided.order }) ?? true {
                coming.removeFirst()
                try adopt(next, detailsOf: isDetailed)
            } else if let decision {
                late.removeFirst()
                try decideLate(decision.interval, decision.decided, detailsOf: isDetailed)
            } else {
                return
            }
        }
    }

    /// Adopts a revision with the same steps as ``Ledger/adopt(_:in:)``.
    private mutating func adopt(_ next: Revision, detailsOf isDetailed: (IntervalID) -> Bool) throws {
        let isSearchChanged = !next.experiment.conflicts(with: experiment).isEmpty
        revision = next
        finishedCount = next.after
        // As in the store, an edit of anything else makes no decisions.
        guard isSearchChanged else { return }
        var rebuilt = Population(experiment)
        for member in population.ranked where !experiment.isRetired(member.id) {
            rebuilt.update(Standings.standing(rebuilding: member, window: experiment.exploit.window) { rows[$0] })
        }
        population = rebuilt
        if !experiment.takesMembers, experiment.population > members {
            for member in members..<experiment.population { open.insert(IntervalID(member: member, index: 0)) }
            members = experiment.population
        }
        let closed = [ended, awaiting, undecided].flatMap(\.values).sorted { $0.id < $1.id }
        for interval in closed where population[id: interval.id.member] == nil {
            // A member that had retired comes back.
            guard let back = experiment.standing(of: interval, after: nil) else { continue }
            population.update(Standings.standing(rebuilding: back, window: experiment.exploit.window) { rows[$0] })
        }
        let endedBefore = Set(ended.keys)
        (ended, awaiting, undecided) = ([:], [:], [:])
        var pending: [Interval] = []
        for interval in closed {
            guard experiment.ends(after: interval) else {
                pending.append(interval)
                if endedBefore.contains(interval.id.member) { superseded.insert(interval.id) }
                continue
            }
            if endedBefore.contains(interval.id.member) {
                ended[interval.id.member] = interval
            } else {
                _ = try decide(after: interval, detailsOf: isDetailed)
            }
        }
        if experiment.decides == .late {
            for interval in pending { undecided[interval.id.member] = interval }
        } else if experiment.isSynchronous, !open.isEmpty {
            for interval in pending { awaiting[interval.id.member] = interval }
        } else {
            let decisions = try pending.map { try decide(after: $0, detailsOf: isDetailed) }
            for replaced in decisions where replaced.replaces { population.remove(replaced.interval.member) }
        }
        let newest = open.map(\.index) + [ended, awaiting, undecided].flatMap(\.values).map(\.id.index)
        generations = Self.generations(
            of: experiment, first: newest.max() ?? 0,
            size: Array(revisions.prefix { $0.number <= next.number }).membersInStep, revision: next.number)
        for interval in [ended, undecided].flatMap(\.values) { report(interval) }
    }

    /// Adds a finished interval to its generation.
    ///
    /// - Returns: True if its member is decided about when that is certain.
    @discardableResult
    private func report(_ interval: Interval) -> Bool {
        guard let generations, generations.contains(interval.id), !experiment.ends(after: interval)
        else { return false }
        generations.report(interval.id, undecided: true) {
            experiment.standing(of: interval, after: nil).map {
                Standings.standing(rebuilding: $0, window: experiment.exploit.window) { rows[$0] }
            }
        }
        return true
    }

    /// Returns the finished intervals in order: place, member, and interval; nil for one that was later started again,
    /// of which only the place is known.
    private func places() -> [(place: Int64, member: Int, interval: Interval?)] {
        let finished = order.filter(\.state.isFinished).map { interval in
            (place: interval.sequence ?? 0, member: interval.id.member, interval: Optional(interval))
        }
        let reopened = rows.values.flatMap { interval in
            interval.earlierPlaces.map { (place: $0, member: interval.id.member, interval: Interval?.none) }
        }
        return (finished + reopened).sorted { $0.place < $1.place }
    }

    /// Checks that exactly the finished intervals are numbered from 0 without gaps, and the late decisions as well.
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
                        "its place in the order is recorded as \(interval.sequence ?? -1), and \(expected) precede it"
                ))
            break
        }
        for (place, (decided, interval)) in late.enumerated() where decided.order != Int64(place) {
            mismatches.append(
                Audit.Mismatch(
                    interval: interval.id,
                    problem: "its place in the order of late decisions is recorded as \(decided.order), and "
                        + "\(place) precede it"
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

    /// Checks that exactly the undecided intervals are recorded as such.
    private mutating func checkUndecided() {
        let waiting = Set(undecided.values.map(\.id))
        for interval in rows.values.sorted(by: { $0.id < $1.id }) where interval.state.isFinished {
            let isDecided = rows[IntervalID(member: interval.id.member, index: interval.id.index + 1)] != nil
            if interval.isUndecided, isDecided || !waiting.contains(interval.id) {
                let problem =
                    isDecided
                    ? "it is decided, but recorded as undecided"
                    : "it is recorded as undecided, but there is nothing to decide"
                mismatches.append(Audit.Mismatch(interval: interval.id, problem: problem))
            } else if !interval.isUndecided, !isDecided, waiting.contains(interval.id) {
                mismatches.append(
                    Audit.Mismatch(
                        interval: interval.id,
                        problem: "it is undecided, but not recorded as undecided"))
            }
        }
    }

    private mutating func decisions(
        after interval: Interval, detailsOf isDetailed: (IntervalID) -> Bool
    ) throws -> [Decision] {
        open.remove(interval.id)
        let member = interval.id.member
        if experiment.halving != nil { return try decisionsAtRungs(after: interval, detailsOf: isDetailed) }
        if report(interval) || experiment.decides == .late && !experiment.ends(after: interval) {
            undecided[member] = interval
            return []
        }
        guard experiment.isSynchronous else {
            let next = rows[IntervalID(member: member, index: interval.id.index + 1)]
            population.declaredSize = next?.decided?.members ?? experiment.population
            return [try decide(after: interval, detailsOf: isDetailed)]
        }
        awaiting[member] = interval
        guard open.isEmpty else { return [] }
        let generation = awaiting.values.sorted { $0.id < $1.id }
        awaiting = [:]
        return try generation.map { try decide(after: $0, detailsOf: isDetailed) }
    }

    /// Makes the decisions of successive halving that follow an interval, but those by which members continue beyond a
    /// rung: their moment is recorded with the next interval.
    private mutating func decisionsAtRungs(
        after interval: Interval, detailsOf isDetailed: (IntervalID) -> Bool
    ) throws -> [Decision] {
        guard let generations else { return [] }
        let awaitsRung = interval.state == .done && experiment.rung(at: interval.id.index) != nil
        let standing = experiment.standing(of: interval, after: nil)
        let passed = generations.report(interval.id, undecided: awaitsRung) { standing }
        if awaitsRung { undecided[interval.id.member] = interval }
        var decisions: [Decision] = []
        for id in generations.settled(by: interval.id, passed) {
            let population = generations[id.index].population(of: generations.size)
            guard let waiting = undecided[id.member], waiting.id == id,
                !experiment.continuesHalving(after: waiting, in: population)
            else { continue }
            undecided[id.member] = nil
            decisions.append(try decide(after: waiting, in: population, detailsOf: isDetailed))
            generations.decide(id)
        }
        if !awaitsRung { decisions.append(try decide(after: interval, detailsOf: isDetailed)) }
        _ = generations.advance()
        return decisions
    }

    /// Makes a late or certain decision.
    private mutating func decideLate(
        _ next: Interval, _ decided: Interval.Decided, detailsOf isDetailed: (IntervalID) -> Bool
    ) throws {
        let before = rows[IntervalID(member: next.id.member, index: next.id.index - 1)]
        guard let before, let sequence = before.sequence, sequence < decided.after else {
            // Nothing explains it, which is reported at the end.
            return
        }
        undecided[next.id.member] = nil
        finishedCount = decided.after
        guard let generations, generations.contains(before.id) else {
            population.declaredSize = decided.members
            let decision = try decide(after: before, detailsOf: isDetailed)
            if decision.replaces { population.remove(next.id.member) }
            return
        }
        let generation = generations[before.id.index]
        let isWaitedFor = decided.members == generations.size
        if isWaitedFor ? !generation.isCertain(before.id.member) : experiment.patience == nil {
            mismatches.append(
                Audit.Mismatch(
                    interval: next.id,
                    problem: "it is recorded as decided when \(generation.reportedCount) of \(generations.size) "
                        + "members had reported, which was not certain"))
        } else if !isWaitedFor, decided.members != generation.reportedCount {
            mismatches.append(
                Audit.Mismatch(
                    interval: next.id,
                    problem: "it is recorded as decided among \(decided.members) members, and "
                        + "\(generation.reportedCount) had reported"))
        }
        let decision = try decide(
            after: before, in: generation.population(of: decided.members), missing: generations.size - decided.members,
            detailsOf: isDetailed)
        if decision.replaces { population.remove(next.id.member) }
        generations.decide(before.id)
        _ = generations.advance()
    }

    private mutating func decide(
        after interval: Interval, in given: Population? = nil, missing: Int = 0,
        detailsOf isDetailed: (IntervalID) -> Bool
    ) throws -> Decision {
        let population = given ?? self.population
        let history = past?.history(after: finishedCount, revision: revision.number, created: accounted)
        let decision = try experiment.decide(
            after: interval, in: population, learningFrom: history, strategies: strategies,
            at: interval.finished ?? interval.created, revised: isRevised)
        if let next = decision.next {
            open.insert(next.id)
        } else {
            ended[interval.id.member] = interval
        }
        let nextID = IntervalID(member: interval.id.member, index: interval.id.index + 1)
        let recorded = rows[nextID]
        if recorded != nil { accounted.insert(nextID) }
        var differences: [String] = []
        let expected = decision.next.map { Self.applying(recorded?.changes ?? [], to: $0, &differences) }
        differences += Self.differences(of: recorded, from: expected, in: experiment.space)
        findings.append(
            Audit.Finding(
                decision: decision, rankedCount: population.count, rank: population.rank(of: interval.id.member),
                missing: missing, choice: isDetailed(interval.id) ? try choice(after: interval, in: population) : nil,
                revision: revision.number, recorded: recorded, differences: differences))
        // An interval after a member's end may come from a later edit; see `checkEnds`.
        if decision.next != nil { mismatches += differences.map { Audit.Mismatch(interval: nextID, problem: $0) } }
        return decision
    }

    /// Returns the choice of a donor with its steps, by the same rule and draws as the decision.
    private func choice(after interval: Interval, in population: Population) throws -> ExploitChoice? {
        let (id, exploit) = (interval.id, experiment.exploit)
        guard experiment.kind == .populationBasedTraining, exploit.hasDonors, id.index + 1 < experiment.intervals
        else { return nil }
        if interval.state == .done, experiment.isBurningIn(after: id.index) { return nil }
        if case .custom = exploit.kind, population[id: id.member] != nil, experiment.gate == nil,
            experiment.elites == nil
        {
            return nil
        }
        return try experiment.choice(after: interval, in: population, strategies: strategies)
    }

    // MARK: Founders

    private mutating func check(founder interval: Interval) {
        accounted.insert(interval.id)
        let member = interval.id.member
        let founding = revisions.founding(member: member) ?? revision
        let experiment = founding.experiment
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
        differences += Self.differences(of: interval, from: expected, in: experiment.space)
        founders.append(
            Audit.Founder(
                interval: interval.id, origin: origin, revision: founding.number, differences: differences))
        mismatches += differences.map { Audit.Mismatch(interval: interval.id, problem: $0) }
    }
}
