// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTTesting
import Testing

private let space: SearchSpace = [
    "rate": .logUniform(1e-4...1), "momentum": .uniform(0...0.99, quantum: 0.01),
    "noise": .normal(mean: 0, deviation: 1).explored(by: .perturb(from: 0.5, to: 2)),
    "batch": .choice([16, 32, 64, 128], ordered: true), "layers": .integer(1...8).immutable(),
    "width": .logInteger(1...512), "activation": .choice(["relu", "tanh", ["custom": 1.5]], weights: [2, 1, 1]),
    "gamma": .reverseLogUniform(0.9...0.999), "units": .integer(32...512, quantum: 32),
    "nesterov": .boolean, "note": .constant(["any": [1, 2.5, nil]]),
]

/// Takes over whoever is next better.
private struct NextBetter: ExploitStrategy {
    func donor(
        for member: Population.Member, in population: Population, using random: inout RandomStream
    ) -> Int? {
        guard let rank = population.rank(of: member.id), rank > 0, random.unit() < 0.5 else { return nil }
        return population[rank: rank - 1].id
    }
}

/// Goes halfway from the donor's to its own.
private struct Halfway: ExploreStrategy {
    func explore(
        own: Hyperparameters, donor: Population.Member, in population: Population, space: SearchSpace,
        using random: inout RandomStream
    ) -> Hyperparameters {
        var result = donor.hyperparameters
        if let a = own["rate"]?.double, let b = result["rate"]?.double { result["rate"] = .number((a + b) / 2) }
        return result
    }
}

private let strategies = Strategies(exploit: ["next": NextBetter()], explore: ["halfway": Halfway()])

private let exploits: [ExploitRule] = [
    .truncation(0.25), .truncation(bottom: 0.4, top: 0.1), .binaryTournament, .tTest(window: 4, significance: 0.4),
    .best, .none, .ray(), .custom("next"),
]

private let explores: [ExploreRule] = [
    .perturb(), .perturb(from: 0.8, to: 1.2, resampling: 0.3), .resample, .none, .ray(), .custom("halfway"),
    .step(), .step(from: 0.05, to: 0.5, resampling: 0.2), .perturb(by: [0.5, 2]).keepingCategories(0.7),
]

@Suite struct AuditTests {
    @Test func `a burn-in is derived again, and rows that do not say that they were clipped`() async throws {
        var clipped = 0
        for seed in 0..<UInt64(10) {
            var experiment = Experiment.sample(
                population: 8, intervals: 6, seed: seed, space: space, explore: .perturb(by: [0.5, 2]))
            experiment.burnIn = 3
            let (_, intervals) = try await TroubledRun(
                experiment: experiment, strategies: strategies, seed: seed
            ).finished()
            clipped += intervals.flatMap(\.changes).count { $0.isClipped }
            let earlier = intervals.map { interval in
                var interval = interval
                for place in interval.changes.indices { interval.changes[place].isClipped = false }
                return interval
            }
            for rows in [intervals, earlier] {
                let audit = try Audit(experiment: experiment, intervals: rows, strategies: strategies)
                #expect(audit.mismatches == [])
                let early = audit.findings.filter { $0.interval.index < 2 && $0.recorded?.isExploit == true }
                #expect(
                    early.allSatisfy { finding in
                        rows.first { $0.id == finding.interval }?.state != .done
                    })
            }
        }
        #expect(clipped > 20)
    }

    @Test(arguments: exploits, [false, true])
    func `every decision of thirty troubled runs is derived again from the rows, bit for bit`(
        exploit: ExploitRule, isSynchronous: Bool
    ) async throws {
        var exploited = 0
        for seed in 0..<UInt64(30) {
            var experiment = Experiment.sample(
                goal: seed % 2 == 0 ? .maximize : .minimize, population: 6 + Int(seed % 4), intervals: 6, seed: seed,
                space: space, exploit: exploit, explore: explores[Int(seed) % explores.count],
                synchronous: isSynchronous)
            experiment.retries = 1
            if isSynchronous, seed % 3 == 0 { experiment.deadline = .seconds(40) }
            let (record, intervals) = try await TroubledRun(
                experiment: experiment, strategies: strategies, seed: seed
            ).finished()
            let audit = try Audit(experiment: experiment, intervals: intervals, strategies: strategies)
            #expect(audit.mismatches == [])
            #expect(audit.founders.count == experiment.population)
            #expect(audit.findings.allSatisfy { $0.isIdentical })
            // Every interval is a founder, or the outcome of exactly one decision.
            #expect(audit.findings.count { $0.recorded != nil } == intervals.count - experiment.population)
            if record.membersEnded == experiment.population {
                #expect(audit.findings.count == record.intervalsFinished)
            }
            exploited += audit.findings.count { $0.recorded?.isExploit == true }
        }
        // The test would say nothing about exploits if there were none.
        #expect(exploit == .none ? exploited == 0 : exploited > 30)
    }

    @Test(arguments: exploits, [Experiment.Decides.late, .certain])
    func `late and certain decisions of thirty troubled runs are derived again, bit for bit, in their order`(
        exploit: ExploitRule, decides: Experiment.Decides
    ) async throws {
        var exploited = 0
        for seed in 0..<UInt64(30) {
            var experiment = Experiment.sample(
                goal: seed % 2 == 0 ? .maximize : .minimize, population: 6 + Int(seed % 4), intervals: 6, seed: seed,
                space: space, exploit: exploit, explore: explores[Int(seed) % explores.count])
            experiment.retries = 1
            experiment.decides = decides
            if decides == .certain, seed % 3 == 0 { experiment.deadline = .seconds(40) }
            if decides == .certain, seed % 3 == 1 { experiment.patience = .seconds(1) }
            let (record, intervals) = try await TroubledRun(
                experiment: experiment, strategies: strategies, seed: seed
            ).finished()
            let audit = try Audit(experiment: experiment, intervals: intervals, strategies: strategies)
            #expect(audit.mismatches == [])
            #expect(audit.findings.count { $0.recorded != nil } == intervals.count - experiment.population)
            if record.membersEnded == experiment.population {
                #expect(audit.findings.count == record.intervalsFinished)
                #expect(record.undecided == 0)
            }
            exploited += audit.findings.count { $0.recorded?.isExploit == true }
        }
        #expect(exploit == .none ? exploited == 0 : exploited > 30)
    }

    /// Ways to falsify when a late decision was made, and what the audit says of the row it led to.
    static let lateForgeries: [(String, @Sendable (inout Interval) -> Void)] = [
        ("it does not follow from any finished interval", { $0.decided = nil }),
        ("it does not follow from any finished interval", { $0.decided?.after = 0 }),
        ("its place in the order of late decisions is recorded as ", { $0.decided?.order = 99 }),
        ("its parent is recorded as ", { $0.decided?.members = 60 }),
    ]

    @Test func `a falsified time of a late decision is found`() async throws {
        var experiment = Experiment.sample(population: 6, intervals: 4)
        experiment.decides = .late
        let (_, intervals) = try await TroubledRun(experiment: experiment, seed: 2, hasTroubles: false).finished()
        for (says, forge) in Self.lateForgeries {
            var rows = intervals
            let place = try #require(rows.firstIndex { $0.isExploit })
            forge(&rows[place])
            let audit = try Audit(experiment: experiment, intervals: rows)
            #expect(
                audit.mismatches.contains { $0.problem.hasPrefix(says) },
                "\(says): \(audit.mismatches)")
        }
        var rows = intervals
        let place = try #require(rows.firstIndex { $0.id.index == 0 })
        rows[place].isUndecided = true
        let audit = try Audit(experiment: experiment, intervals: rows)
        #expect(audit.mismatches.map(\.problem) == ["it is decided, but recorded as undecided"])
    }

    @Test(arguments: [Experiment.Kind.randomSearch, .replay([["rate": 0.1], ["rate": 0.2], ["rate": 0.3]])])
    func `searches without exchange are derived again as well`(kind: Experiment.Kind) async throws {
        let experiment = Experiment.sample(kind: kind, intervals: 3, exploit: .none, explore: .none)
        let (_, intervals) = try await TroubledRun(experiment: experiment, seed: 3).finished()
        let audit = try Audit(experiment: experiment, intervals: intervals)
        #expect(audit.mismatches == [])
        #expect(audit.findings.allSatisfy { $0.choice == nil })
        #expect(audit.founders.first?.origin == (kind == .randomSearch ? .sampled : .schedule))
    }

    @Test func `founders that were listed or pushed are told from those that were drawn`() async throws {
        var experiment = Experiment.sample(population: 4, intervals: 2)
        experiment.initial = [["rate": 0.5]]
        let store = InMemoryStore()
        _ = try await store.create(experiment)
        let pushed = try await store.push(["rate": 0.25], to: experiment.name)
        let audit = try Audit(experiment: experiment, intervals: await store.intervals(of: experiment.name))
        #expect(audit.mismatches == [])
        #expect(audit.findings.isEmpty)
        let origins = Dictionary(uniqueKeysWithValues: audit.founders.map { ($0.interval, $0.origin) })
        #expect(origins[pushed.id] == .pushed(["rate"]))
        for founder in audit.founders where founder.interval != pushed.id {
            #expect(founder.origin == (founder.interval.member == 0 ? .listed(["rate"]) : .sampled))
        }
    }

    @Test func `a manual search's members are taken as they are`() async throws {
        let experiment = Experiment.sample(kind: .manual, population: 0, intervals: 2, exploit: .none, explore: .none)
        let store = InMemoryStore()
        _ = try await store.create(experiment)
        let pushed = try await store.push(["rate": 0.25], to: experiment.name)
        let record = try await store.record(of: experiment.name)
        let audit = try Audit(
            experiment: record.experiment, intervals: await store.intervals(of: experiment.name))
        #expect(audit.mismatches == [])
        #expect(audit.founders.map(\.interval) == [pushed.id])
        #expect(audit.founders.map(\.origin) == [.manual])
    }

    @Test func `a finding tells rank, ends of the ranking, candidates and their scores`() async throws {
        let experiment = Experiment.sample(population: 8, intervals: 6, synchronous: true)
        let (_, intervals) = try await TroubledRun(experiment: experiment, seed: 5, hasTroubles: false).finished()
        let audit = try Audit(experiment: experiment, intervals: intervals)
        let rows = Dictionary(uniqueKeysWithValues: intervals.map { ($0.id, $0) })
        var checked = 0
        for finding in audit.findings where finding.interval.index < 5 {
            let generation = intervals.filter { $0.id.index == finding.interval.index }
            let own = try #require(rows[finding.interval]?.score)
            let better = generation.count { ($0.score ?? 0) > own }
            let level = generation.count { $0.score == own }
            let rank = try #require(finding.rank)
            #expect(finding.rankedCount == 8)
            #expect((better..<better + level).contains(rank))
            let choice = try #require(finding.choice)
            #expect((choice.bottomCount, choice.topCount, choice.rank) == (2, 2, rank))
            #expect((choice.donor != nil) == (rank >= 6))
            guard let donor = choice.donor else { continue }
            checked += 1
            #expect(finding.decision.outcome == .exploits(donor.interval))
            #expect(choice.candidates.contains(donor))
            #expect(choice.candidates.allSatisfy { $0.score == rows[$0.interval]?.score })
        }
        #expect(checked == 10)
    }

    @Test func `details are gathered only of the decisions asked for`() async throws {
        let experiment = Experiment.sample(population: 8, intervals: 4, synchronous: true)
        let (_, intervals) = try await TroubledRun(experiment: experiment, seed: 5, hasTroubles: false).finished()
        let wanted = IntervalID(member: 2, index: 1)
        let audit = try Audit(experiment: experiment, intervals: intervals, detailsOf: { $0 == wanted })
        #expect(audit.findings.filter { $0.choice != nil }.map(\.interval) == [wanted])
        #expect(audit.finding(after: wanted)?.interval == wanted)
        #expect(audit.finding(leadingTo: IntervalID(member: 2, index: 2))?.interval == wanted)
        #expect(audit.finding(leadingTo: IntervalID(member: 2, index: 0)) == nil)
    }

    @Test func `a run that is not over is derived as far as it got`() async throws {
        let experiment = Experiment.sample(population: 6, intervals: 6, exploit: .truncation(0.5))
        let (_, all) = try await TroubledRun(experiment: experiment, seed: 9, hasTroubles: false).finished()
        // As it was after twenty intervals: the later ones are not there, or wait.
        let finished = all.filter { ($0.sequence ?? 0) < 20 }
        let known = Set(finished.map(\.id))
        let waiting = all.filter { interval in
            !known.contains(interval.id)
                && (interval.id.index == 0
                    || known.contains(IntervalID(member: interval.id.member, index: interval.id.index - 1)))
        }.map { interval in
            var copy = Interval(
                id: interval.id, parent: interval.parent, hyperparameters: interval.hyperparameters,
                changes: interval.changes, depth: interval.depth, created: interval.created)
            copy.state = .waiting
            return copy
        }
        let audit = try Audit(experiment: experiment, intervals: finished + waiting)
        #expect(audit.mismatches == [])
        #expect(audit.findings.count == 20)
    }

    /// Ways to falsify a row, the interval that the audit then names, and what it says.
    struct Forgery: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let says: String
        /// Changes the rows; the exploiting interval is given.
        let forge: @Sendable (inout [IntervalID: Interval], IntervalID) -> Void
        /// The interval that is named, from the exploiting one.
        var names: @Sendable (IntervalID) -> IntervalID = { $0 }
    }

    static let forgeries = [
        Forgery(testDescription: "another parent", says: "its parent is recorded as none, derived: ") { rows, id in
            rows[id]?.parent = nil
        },
        Forgery(testDescription: "another depth", says: "its depth is recorded as 99, derived: ") { rows, id in
            rows[id]?.depth = 99
        },
        Forgery(testDescription: "one bit of a hyperparameter", says: "rate is recorded as ") { rows, id in
            if let rate = rows[id]?.hyperparameters["rate"]?.double {
                rows[id]?.hyperparameters["rate"] = .number(rate.nextUp)
            }
        },
        Forgery(testDescription: "an integer for a number", says: "extra is recorded as 1, derived: nothing") {
            rows, id in
            rows[id]?.hyperparameters["extra"] = 1
        },
        Forgery(testDescription: "a hyperparameter less", says: "rate is recorded as nothing, derived: ") { rows, id in
            rows[id]?.hyperparameters["rate"] = nil
        },
        Forgery(testDescription: "another operation", says: "its changes are not recorded as derived") {
            rows, id in
            rows[id]?.changes[0].operation = "kept"
        },
        Forgery(testDescription: "a missing row", says: "it is not recorded") { rows, id in
            for index in id.index..<100 { rows[IntervalID(member: id.member, index: index)] = nil }
        },
        Forgery(
            testDescription: "a row too many", says: "it does not follow from any finished interval",
            forge: { rows, _ in
                let id = IntervalID(member: 50, index: 3)
                rows[id] = Interval(id: id, parent: nil, hyperparameters: [:], depth: 1, created: epoch)
            }, names: { _ in IntervalID(member: 50, index: 3) }),
        Forgery(
            testDescription: "a founder's hyperparameter", says: "rate is recorded as 0.5, derived: ",
            forge: { rows, id in rows[IntervalID(member: id.member, index: 0)]?.hyperparameters["rate"] = 0.5 },
            names: { IntervalID(member: $0.member, index: 0) }),
        Forgery(
            testDescription: "a lost place in the order", says: "it is done, but has no place in the order",
            forge: { rows, id in rows[IntervalID(member: id.member, index: 0)]?.sequence = nil },
            names: { IntervalID(member: $0.member, index: 0) }),
        Forgery(
            testDescription: "a poor score made a good one", says: "its parent is recorded as ",
            forge: { rows, id in rows[IntervalID(member: id.member, index: id.index - 1)]?.score = 1e6 }),
    ]

    @Test(arguments: forgeries)
    func `a falsified row is found`(forgery: Forgery) async throws {
        let experiment = Experiment.sample(population: 6, intervals: 4, synchronous: true)
        let (_, intervals) = try await TroubledRun(experiment: experiment, seed: 2, hasTroubles: false).finished()
        var rows = Dictionary(uniqueKeysWithValues: intervals.map { ($0.id, $0) })
        let exploited = try #require(intervals.first { $0.isExploit }?.id)
        forgery.forge(&rows, exploited)
        let audit = try Audit(experiment: experiment, intervals: Array(rows.values))
        let named = audit.mismatches.filter { $0.interval == forgery.names(exploited) }
        #expect(named.contains { $0.problem.hasPrefix(forgery.says) }, "\(audit.mismatches)")
        #expect(audit.mismatches.first?.description.contains(": ") == true)
    }

    @Test func `a strategy that is not there is an error, not a mismatch`() {
        let experiment = Experiment.sample(exploit: .custom("next"))
        #expect {
            try Audit(experiment: experiment, intervals: [])
        } throws: {
            ($0 as? PBTError)?.code == .noSuchStrategy
        }
    }
}
