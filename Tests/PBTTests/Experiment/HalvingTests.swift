// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTTesting
import Testing

@Suite("Successive halving") struct HalvingTests {
    private static let toy = NoisyQuadratic(steps: 4)

    private func experiment(
        _ halving: Halving = Halving(), members: Int = 27, intervals: Int = 27, seed: UInt64 = 1
    ) -> Experiment {
        Experiment(
            "e", kind: .successiveHalving(halving), objective: Self.toy.objective, population: members,
            intervals: intervals, seed: seed, space: NoisyQuadratic.space, exploit: .none, explore: .none)
    }

    // MARK: Rungs

    @Test func `27 founders by 3 are 9, 3 and 1 after 1, 3 and 9 intervals of 27, as in Hyperband's bracket`() {
        let halving = Halving()
        #expect(halving.rungs(below: 27) == [1, 3, 9])
        #expect((0...3).map { halving.members(of: 27, towards: $0) } == [27, 9, 3, 1])
        // 27·1 + 9·2 + 3·6 + 1·18
        #expect(halving.planned(founders: 27, intervals: 27) == 81)
        #expect(halving.founders(total: 81, intervals: 27) == 27)
    }

    @Test(
        arguments: [
            // 72 + 24·2 + 8·6 + 2·16 = 200 of 8·25; the 73rd founder would be the 201st interval.
            (8, 25, 3, 1, 72, 200),
            // 16 + 8·1 + 4·2 + 2·4 + 1·8 = 48 = 3·16
            (3, 16, 2, 1, 16, 48),
            // 5·2 + 1·4 + 1·2 = 2·8; a sixth founder would bring a second one to the last rung.
            (2, 8, 3, 2, 5, 16), (1, 10, 3, 1, 1, 10), (4, 1, 3, 1, 4, 4), (5, 3, 3, 4, 5, 15),
        ])
    func `a baseline has as many founders as its budget allows`(
        members: Int, intervals: Int, factor: Int, first: Int, founders: Int, planned: Int
    ) throws {
        var search = Experiment.sample(population: members, intervals: intervals)
        search.baselineKind = .successiveHalving(Halving(factor: factor, first: first))
        let baseline = try #require(search.baseline)
        #expect(baseline.population == founders)
        #expect(baseline.plannedIntervals == planned)
        #expect(baseline.name == "sample.successive_halving")
        #expect(baseline.intervals == intervals)
        for member in 0..<members { #expect(baseline.founder(member) == search.founder(member)) }
        #expect(try Experiment(document: Document(baseline.value), directory: "/") == baseline)
    }

    @Test func `one founder more than a baseline's would exceed the budget, and never are fewer than the members`() {
        for number in 0..<500 {
            var random = RandomStream.trial(number, name: "bracket")
            let halving = Halving(factor: 2 + random.index(below: 5), first: 1 + random.index(below: 4))
            let (members, intervals) = (1 + random.index(below: 40), 1 + random.index(below: 60))
            let founders = halving.founders(total: members * intervals, intervals: intervals)
            #expect(founders >= members)
            #expect(halving.planned(founders: founders, intervals: intervals) <= members * intervals)
            #expect(halving.planned(founders: founders + 1, intervals: intervals) > members * intervals)
        }
    }

    @Test func `numbers of any size do not trap`() {
        let halving = Halving(factor: 1000, first: 1_000_000)
        #expect(halving.planned(founders: .max, intervals: .max) == .max)
        #expect(halving.founders(total: .max, intervals: 1_000_000) == 1_000_000)
    }

    // MARK: Search

    @Test(arguments: [Halving(), Halving(factor: 2, first: 2), Halving(factor: 4)])
    func `at each rung the best of those that came there continue, for any number of workers`(
        halving: Halving
    ) async throws {
        let definition = experiment(halving, members: 30, intervals: 20)
        var trees: [[Interval]] = []
        for (workers, slowness) in [(1, 1.0), (2, 3), (4, 1), (8, 3)] {
            let run = try await VirtualRun(
                experiment: definition, toy: Self.toy, workers: workers, seed: UInt64(workers), slowness: slowness
            ).run()
            trees.append(run.intervals.map(\.inTree))
            #expect(run.record.state == .finished)
            #expect(run.record.undecided == 0)
            #expect(run.record.intervalsFinished == definition.plannedIntervals)
            #expect(run.record.intervalsPlanned == definition.plannedIntervals)
            #expect(
                run.intervals.allSatisfy {
                    $0.depth == $0.id.index + 1 && $0.parent?.member ?? $0.id.member == $0.id.member
                })
            let audit = try Audit(experiment: definition, intervals: run.intervals)
            #expect(audit.mismatches == [])
            #expect(audit.findings.count == run.intervals.count)
            // By the rows alone, without the code of rungs.
            var comers = Set(0..<30)
            var depth = halving.first
            while depth < 20 {
                let scores = run.intervals.filter { $0.id.index == depth - 1 && comers.contains($0.id.member) }
                    .sorted { ($0.score ?? .infinity) < ($1.score ?? .infinity) }
                #expect(scores.count == comers.count)
                comers = Set(scores.prefix(max(1, comers.count / halving.factor)).map(\.id.member))
                #expect(Set(run.intervals.filter { $0.id.index == depth }.map(\.id.member)) == comers)
                depth *= halving.factor
            }
            let last = run.intervals.filter { $0.id.index == 19 }
            #expect(Set(last.map(\.id.member)) == comers)
            // Of those left behind only the best checkpoint of all may be kept.
            let left = run.intervals.filter { !comers.contains($0.id.member) && $0.checkpointState == .kept }
            #expect(left.allSatisfy { $0.id == run.record.best })
        }
        for tree in trees.dropFirst() { #expect(tree == trees[0]) }
    }

    @Test func `workers are hardly idle before the last rungs`() async throws {
        let definition = experiment(members: 72, intervals: 25)
        let run = try await VirtualRun(experiment: definition, toy: Self.toy, workers: 4, seed: 1).run()
        let founders = run.intervals.filter { $0.id.index < 3 }
        let (began, ended) = (founders.compactMap(\.started).min(), founders.compactMap(\.finished).max())
        let time = try #require(ended).since(try #require(began)).seconds
        let busy = founders.reduce(0.0) { sum, interval in
            guard let start = interval.started, let end = interval.finished else { return sum }
            return sum + end.since(start).seconds
        }
        // Others trained deeper intervals meanwhile.
        #expect(busy / (4 * time) > 0.8)
    }

    @Test func `a falsified outcome at a rung is found`() async throws {
        let definition = experiment(members: 9, intervals: 9)
        let run = try await VirtualRun(experiment: definition, toy: Self.toy, workers: 3, seed: 1).run()
        func problems(_ forge: (inout [Interval]) -> Void) throws -> [String] {
            var rows = run.intervals
            forge(&rows)
            return try Audit(experiment: definition, intervals: rows).mismatches.map(\.problem)
        }
        let best = try #require(run.intervals.first { $0.id.index == 1 })
        #expect(try problems { rows in rows.removeAll { $0.id.member == best.id.member && $0.id.index > 0 } } != [])
        let worst = try #require(run.intervals.first { $0.id.index == 0 && $0.checkpointState == .deleted })
        #expect(
            try problems { rows in
                for place in rows.indices where rows[place].id.member == best.id.member && rows[place].id.index > 0 {
                    rows[place].id.member = worst.id.member
                }
            } != [])
        #expect(
            try problems { rows in
                guard let place = rows.firstIndex(where: { $0.id == best.id }) else { return }
                rows[place].decided?.after = 1
            } != [])
    }

    @Test func `members in trouble end, and every decision is derived again`() async throws {
        for seed in 0..<UInt64(20) {
            let definition = experiment(Halving(factor: 2), members: 16, intervals: 12, seed: seed)
            let run = try await TroubledRun(experiment: definition, seed: seed).finished()
            #expect(run.record.state == .finished)
            #expect(run.record.intervalsFinished == run.record.intervalsPlanned)
            #expect(run.record.undecided == 0)
            #expect(try Audit(experiment: definition, intervals: run.intervals).mismatches == [])
        }
    }

    // MARK: Certainty

    @Test func `a member at a rung is decided about exactly when no missing score can change it`() throws {
        var certain = 0
        for seed in 0..<40 {
            let definition = experiment(Halving(factor: 2), members: 5, intervals: 4, seed: UInt64(seed))
            var random = RandomStream.trial(seed, name: "rung")
            var generation = Generation(definition, index: 0, size: 5)
            var known: [Int: Double] = [:]
            var waiting = Array(0..<5)
            while !waiting.isEmpty {
                let member = waiting.remove(at: random.index(below: waiting.count))
                let score = random.unit() < 0.2 ? Double.nan : random.unit()
                known[member] = score
                let standing = definition.standing(of: definition.trained(member, score: score), after: nil)
                generation.report(member, standing, undecided: standing != nil)
                let settled = generation.settled(by: member)
                for other in known.keys where generation.isUndecided(other) {
                    #expect(settled.contains(other) == generation.isCertain(other))
                    let own = known[other] ?? .nan
                    // A loss: the missing ones may all be better, or none.
                    let better = known.values.count { $0 < own }
                    let outcomes = Set([better, better + waiting.count].map { $0 < 2 })
                    #expect(generation.isCertain(other) == (outcomes.count == 1), "\(other) of \(known)")
                    certain += outcomes.count == 1 && !waiting.isEmpty ? 1 : 0
                }
                for other in settled { generation.decide(other) }
            }
            #expect(generation.isClosed)
        }
        #expect(certain > 40)
    }

    // MARK: Definition

    private func read(_ changes: [String: Value]) throws -> Experiment {
        var object: [String: Value] = [
            "name": "x", "objective": ["metric": "loss", "goal": "minimize"], "population": 8, "intervals": 25,
            "space": ["rate": ["uniform": [0, 1]]],
        ]
        object.merge(changes) { $1 }
        return try Experiment(document: Document(.object(object)), directory: "/")
    }

    @Test func `is read, and written as it reads`() throws {
        for (changes, kind, baseline) in [
            (["kind": "successive_halving"], .successiveHalving(Halving()), nil),
            (
                ["kind": "successive_halving", "halving": ["factor": 4, "first": 2]],
                .successiveHalving(Halving(factor: 4, first: 2)), nil
            ),
            (["baseline": "successive_halving"], .populationBasedTraining, .successiveHalving(Halving())),
            (
                ["baseline": "successive_halving", "halving": ["factor": 2]], .populationBasedTraining,
                .successiveHalving(Halving(factor: 2))
            ),
            (["baseline": true], .populationBasedTraining, .randomSearch),
            (["baseline": "random_search"], .populationBasedTraining, .randomSearch),
            (["baseline": false], .populationBasedTraining, nil),
        ] as [([String: Value], Experiment.Kind, Experiment.Baseline?)] {
            let experiment = try read(changes)
            #expect(experiment.kind == kind)
            #expect(experiment.baselineKind == baseline)
            #expect(experiment.waitsForCertainty)
            #expect(try Experiment(document: Document(experiment.value), directory: "/") == experiment)
        }
        #expect(try read(["baseline": "random_search"]).value["baseline"] == "random_search")
        #expect(try read([:]).value["halving"] == nil)
    }

    @Test(
        arguments: [
            (
                ["kind": "asha"],
                "kind: must be pbt, random_search, successive_halving, or manual, not \"asha\"; "
                    + "did you mean successive_halving?"
            ),
            (["halving": ["factor": 3]], "halving: requires kind: successive_halving or baseline: successive_halving"),
            (["kind": "successive_halving", "halving": ["factor": 1]], "halving.factor: must be at least 2, not 1"),
            (["kind": "successive_halving", "halving": ["first": 0]], "halving.first: must be at least 1, not 0"),
            (["kind": "successive_halving", "halving": ["eta": 3]], "halving.eta: unknown key; write factor: 3"),
            (
                ["kind": "successive_halving", "synchronous": true],
                "synchronous: cannot be combined with kind: successive_halving, which waits at its rungs only"
            ),
            (
                ["kind": "successive_halving", "decide": "early"],
                "decide: must be certain for kind: successive_halving, without patience and deadline, not \"early\""
            ),
            (
                ["kind": "successive_halving", "open": true],
                "open: cannot be combined with kind: successive_halving, whose rungs have fixed sizes"
            ),
            (["kind": "successive_halving", "baseline": "random_search"], "baseline: requires kind: pbt"),
            (["baseline": "halving"], "baseline: must be random_search or successive_halving, not \"halving\""),
        ] as [([String: Value], String)])
    func `a wrong definition is refused by place and remedy`(_ changes: [String: Value], _ message: String) throws {
        let error = #expect(throws: DocumentError.self) { try read(changes) }
        #expect(error.map { "\($0.path): \($0.problem)" } == message)
    }

    @Test func `an edit that the baseline's rungs cannot follow is refused, others are not`() throws {
        let before = try read(["baseline": "successive_halving"])
        #expect(
            try read(["baseline": "successive_halving", "intervals": 50]).obstacles(toFollow: before).contains {
                $0.hasPrefix("intervals: 25 → 50: its baseline by successive halving cannot follow")
            })
        #expect(
            try read(["baseline": "random_search"]).obstacles(toFollow: before) == [
                "baseline: successive_halving → random_search: a baseline cannot be replaced by another; remove it "
                    + "with baseline: false first"
            ])
        #expect(try read(["intervals": 50]).obstacles(toFollow: before) == [])
        #expect(
            try read(["baseline": "successive_halving", "exploit": "best", "retries": 5]).obstacles(toFollow: before)
                == [])
    }
}
