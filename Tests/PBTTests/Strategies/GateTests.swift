// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTTesting
import Testing

@Suite("Gates against noise") struct GateTests {
    private func experiment(
        _ gate: ExploitGate?, exploit: ExploitRule = .truncation(0.25), goal: Objective.Goal = .maximize,
        seed: UInt64 = 1
    ) -> Experiment {
        var experiment = Experiment.sample(goal: goal, seed: seed, exploit: exploit)
        experiment.gate = gate
        return experiment
    }

    private func verdict(
        _ gate: ExploitGate, _ scores: [Double], _ donor: Int, _ member: Int
    ) throws
        -> ExploitGate.Verdict
    {
        let experiment = experiment(gate)
        let population = experiment.population(scores: scores)
        let member = try #require(population[id: member])
        return gate.verdict(on: try #require(population[id: donor]), for: member, in: population)
    }

    @Test func `the gap is compared with a number, a part of the donor's score, and the spread of the scores`() throws {
        // Of 1 to 8, 1 does not count; 2 to 8 have a standard deviation of 2.
        let scores: [Double] = [1, 2, 3, 4, 5, 6, 7, 8]
        let gate = ExploitGate(absolute: 3, relative: 0.25, spread: 0.5)
        let verdict = try verdict(gate, scores, 7, 3)
        #expect(verdict.gap == 4)
        #expect((verdict.absolute, verdict.relative, verdict.spread) == (3, 2, 1))
        #expect(verdict.passes)
        // Each condition alone, at its limit and below.
        for (limit, smaller) in [
            (ExploitGate(absolute: 4), ExploitGate(absolute: 3.9)),
            (ExploitGate(relative: 0.5), ExploitGate(relative: 0.49)),
            (ExploitGate(spread: 2), ExploitGate(spread: 1.99)),
        ] {
            #expect(try !self.verdict(limit, scores, 7, 3).passes)
            #expect(try self.verdict(smaller, scores, 7, 3).passes)
            var both = gate
            both.absolute = limit.absolute ?? both.absolute
            both.relative = limit.relative ?? both.relative
            both.spread = limit.spread ?? both.spread
            #expect(try !self.verdict(both, scores, 7, 3).passes, "all conditions must hold")
        }
    }

    @Test func `a gap of 0 or below never passes`() throws {
        #expect(try !verdict(ExploitGate(), [1, 1], 1, 0).passes)
        #expect(try !verdict(ExploitGate(absolute: 0), [2, 1], 1, 0).passes)
        #expect(try verdict(ExploitGate(absolute: 0), [0, .leastNonzeroMagnitude], 1, 0).passes)
    }

    @Test(arguments: [1.7e308, 1e200, 1, 1e-200, .leastNonzeroMagnitude])
    func `scores of any magnitude are compared without overflow`(unit: Double) throws {
        let scores = [-unit, -unit, -unit, unit]
        // The mean of the 4 scores is −unit/2, their standard deviation unit·√(3/4), so the gap is 2.309 of them.
        #expect(try verdict(ExploitGate(spread: 2.3), scores, 3, 0).passes)
        #expect(try !verdict(ExploitGate(spread: 2.31), scores, 3, 0).passes)
        #expect(try verdict(ExploitGate(relative: 1.9), scores, 3, 0).passes)
        #expect(try !verdict(ExploitGate(relative: 2), scores, 3, 0).passes)
        #expect(try !verdict(ExploitGate(relative: 1e6), scores, 3, 0).passes)
        #expect(try !verdict(ExploitGate(absolute: 1e300, spread: 1e6), scores, 3, 0).passes)
        let told = try verdict(ExploitGate(absolute: 1, relative: 1e6, spread: 1e6), scores, 3, 0)
        #expect([told.gap, told.absolute, told.relative, told.spread].allSatisfy { $0?.isFinite == true })
        #expect(told.gap == min(2 * unit, .greatestFiniteMagnitude))
    }

    @Test(arguments: Objective.Goal.allCases)
    func `a member that the gate keeps continues with its own, the others are replaced as without it`(
        goal: Objective.Goal
    ) throws {
        let scores: [Double] = [1, 2, 3, 4, 5, 6, 7, 8].map { goal == .maximize ? $0 : -$0 }
        var (kept, replaced) = (0, 0)
        for seed in 0..<UInt64(20) {
            let free = try experiment(nil, goal: goal, seed: seed).decisions(scores: scores)
            // Of the pairs of the best 2 and the worst 2, only 8 and 1 are more than 6 apart.
            let gated = try experiment(ExploitGate(absolute: 6), goal: goal, seed: seed).decisions(scores: scores)
            for (free, gated) in zip(free, gated) {
                if let donor = free.donor, donor.member != 7 || free.interval.member != 0 {
                    #expect(gated.outcome == .continues)
                    #expect(gated.next?.parent == gated.interval)
                    #expect(gated.next?.changes == [])
                    kept += 1
                } else {
                    #expect(gated == free)
                    replaced += free.donor == nil ? 0 : 1
                }
            }
        }
        #expect(kept > 0 && replaced > 0)
    }

    @Test(arguments: [
        ExploitRule.truncation(0.25), .binaryTournament, .tTest(window: 2, significance: 0.5), .best, .custom("greedy"),
    ])
    func `it applies to every rule, except to members that cannot be ranked`(exploit: ExploitRule) throws {
        struct Greedy: ExploitStrategy {
            func donor(
                for member: Population.Member, in population: Population, using random: inout RandomStream
            ) -> Int? { population[rank: 0].id }
        }
        let strategies = Strategies(exploit: ["greedy": Greedy()])
        let scores: [Double] = [.nan, 2, 3, 4, 5, 6, 7, 8]
        let decisions = try experiment(ExploitGate(absolute: 1e6), exploit: exploit).decisions(
            scores: scores, strategies: strategies)
        #expect(decisions[0].donor != nil)
        #expect(decisions.dropFirst().allSatisfy { $0.outcome == .continues })
        if exploit.window == 1 {
            let open = try experiment(ExploitGate(absolute: 0), exploit: exploit).decisions(
                scores: scores, strategies: strategies)
            #expect(open == (try experiment(nil, exploit: exploit).decisions(scores: scores, strategies: strategies)))
        }
    }

    @Test func `a t-test's gate compares the means of the windows that the test compares`() throws {
        let experiment = experiment(ExploitGate(absolute: 4), exploit: .tTest(window: 2, significance: 0.2))
        var population = Population(experiment)
        // Means 2 and 7; the last scores are nearer.
        for (member, window) in [(0, [0.0, 4]), (1, [6.0, 8])] {
            var standing = try #require(
                experiment.standing(of: experiment.trained(member, score: window[1]), after: nil))
            standing.window = window
            population.update(standing)
        }
        let donor = try #require(population[id: 1])
        #expect(experiment.verdict(on: donor, for: 0, in: population)?.gap == 5)
        #expect(experiment.verdict(on: donor, for: 0, in: population)?.passes == true)
        #expect(experiment.verdict(on: donor, for: 2, in: population) == nil)
    }

    private static let toy = NoisyQuadratic(steps: 4)

    @Test(arguments: [
        ExploitRule.truncation(), .binaryTournament, .tTest(window: 4, significance: 0.3), .best,
    ])
    func `1, 2, 4 and 8 workers give the tree of a synchronous run, and an audit knows whom the gate kept`(
        exploit: ExploitRule
    ) async throws {
        var outcomes: Set<Bool> = []
        for gate in [ExploitGate(relative: 1), ExploitGate(absolute: 0.001, spread: 3)] {
            var definition = Experiment(
                "e", objective: Self.toy.objective, population: 8, intervals: 12, seed: 1,
                space: NoisyQuadratic.space, exploit: exploit, gate: gate, isSynchronous: true, decides: .certain)
            let expected = try await VirtualRun(experiment: definition, toy: Self.toy, workers: 3, seed: 0).run()
            definition.isSynchronous = false
            for (workers, slowness) in [(1, 1.0), (2, 3), (4, 1), (8, 3)] {
                let run = try await VirtualRun(
                    experiment: definition, toy: Self.toy, workers: workers, seed: UInt64(workers),
                    slowness: slowness
                ).run()
                #expect(run.intervals.map(\.inTree) == expected.intervals.map(\.inTree), "\(workers) workers")
                let audit = try Audit(experiment: definition, intervals: run.intervals)
                #expect(audit.mismatches == [])
                let verdicts = audit.findings.compactMap { finding in finding.choice?.gate.map { (finding, $0) } }
                for (finding, verdict) in verdicts {
                    #expect(finding.decision.replaces == verdict.passes)
                    #expect((finding.choice?.donor == nil) == !verdict.passes)
                }
                outcomes.formUnion(verdicts.map(\.1.passes))
            }
        }
        #expect(outcomes == [true, false])
    }

    @Test func `a gate by the spread makes only those wait for all scores whom it may keep`() throws {
        func generation(_ gate: ExploitGate?) throws -> (Generation, [Int?]) {
            let experiment = experiment(gate, exploit: .binaryTournament)
            var generation = Generation(experiment, index: 0, size: 8)
            for member in 0..<7 {
                let standing = experiment.standing(of: experiment.trained(member, score: Double(member)), after: nil)
                generation.report(member, standing, undecided: true)
            }
            let rivals = (0..<8).map { experiment.rival(after: IntervalID(member: $0, index: 0), among: 8) }
            return (generation, rivals)
        }
        let (free, rivals) = try generation(ExploitGate(relative: 0.1))
        let (gated, _) = try generation(ExploitGate(spread: 0.1))
        for member in 0..<7 {
            guard let rival = rivals[member] else { continue }
            #expect(free.isCertain(member) == (rival < 7))
            #expect(gated.isCertain(member) == (rival < member))
        }
        #expect((0..<7).contains { free.isCertain($0) && !gated.isCertain($0) })
        #expect((0..<7).contains { gated.isCertain($0) })
    }

    private func read(_ exploit: Value) throws -> Experiment {
        try Experiment(
            document: Document([
                "name": "x", "objective": ["metric": "score", "goal": "maximize"], "population": 8, "intervals": 10,
                "space": ["rate": ["uniform": [0, 1]]], "exploit": exploit,
            ]), directory: "/")
    }

    private static let readable: [(Value, ExploitGate?)] = {
        let gates: [(Value, ExploitGate)] = [
            (["truncation": 0.2, "gate": ["relative": 0.05, "spread": 0.5]], .isaacGym),
            (["binary_tournament": nil, "burn_in": 2, "gate": ["absolute": 0]], ExploitGate(absolute: 0)),
            (
                ["gate": ["absolute": 1e300, "relative": 1e6, "spread": 1e6]],
                ExploitGate(absolute: 1e300, relative: 1e6, spread: 1e6)
            ),
        ]
        return gates.map { ($0, $1) } + [(["truncation": 0.2, "gate": nil], nil), ("best", nil)]
    }()

    @Test(arguments: readable)
    func `is read beside the rule, and written as it reads`(_ text: Value, _ gate: ExploitGate?) throws {
        let experiment = try read(text)
        #expect(experiment.gate == gate)
        #expect(experiment.value["exploit"]?["gate"] == gate?.value)
        #expect(try Experiment(document: Document(experiment.value), directory: "/") == experiment)
    }

    @Test(
        arguments: [
            (
                ["relative": -0.1],
                "exploit.gate.relative: must be a gap from 0 to 1000000, in parts of the donor's score, not -0.1"
            ),
            (
                ["spread": 1e7],
                "exploit.gate.spread: must be a gap from 0 to 1000000, in standard deviations of the scores, not 1e7"
            ),
            (["absolute": .number(.nan)], "exploit.gate.absolute: must be a finite number, not null"),
            ([:], "exploit.gate: has no condition; write for example: {relative: 0.05, spread: 0.5}"),
            (["std": 0.5], "exploit.gate.std: unknown key; write spread: STANDARD_DEVIATIONS"),
            (0.5, "exploit.gate: must be an object with \"absolute\", \"relative\", \"spread\", not a number"),
        ] as [(Value, String)])
    func `a wrong gate is refused by place and remedy`(_ gate: Value, _ message: String) throws {
        let error = #expect(throws: DocumentError.self) { try read(["truncation": 0.2, "gate": gate]) }
        #expect(error.map { "\($0.path): \($0.problem)" } == message)
    }

    @Test func `an experiment without one is written as before`() throws {
        #expect(try read(["truncation": 0.25]).value["exploit"] == ["truncation": 0.25])
    }
}
