// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTTesting
import Testing

/// Decisions that wait until missing scores cannot change them.
@Suite struct CertainDecisionTests {
    private static let toy = NoisyQuadratic(steps: 4)

    private func experiment(
        _ decides: Experiment.Decides, members: Int, intervals: Int = 12, seed: UInt64 = 1,
        exploit: ExploitRule = .truncation()
    ) -> Experiment {
        Experiment(
            "e", objective: Self.toy.objective, population: members, intervals: intervals, seed: seed,
            space: NoisyQuadratic.space, exploit: exploit, decides: decides)
    }

    @Test func `it is the default of a definition that exploits`() {
        let experiment = Experiment(
            "e", objective: .maximize("score"), population: 4, intervals: 2, space: ["x": .uniform(0...1)])
        #expect(experiment.decides == .certain && experiment.waitsForCertainty)
        var independent = experiment
        independent.exploit = .none
        #expect(!independent.waitsForCertainty)
        var open = experiment
        open.isOpen = true
        #expect(!open.waitsForCertainty)
    }

    @Test(arguments: [
        ExploitRule.truncation(), .truncation(bottom: 0.4, top: 0.1), .binaryTournament,
        .tTest(window: 4, significance: 0.3), .best, .multiFrequency(every: [1, 3]), .portfolio(forPopulation: 8),
    ])
    func `1, 2, 4 and 8 workers of different speeds give the tree of a synchronous run, row by row`(
        exploit: ExploitRule
    ) async throws {
        var definition = experiment(.certain, members: 8, exploit: exploit)
        definition.isSynchronous = true
        let expected = try await VirtualRun(experiment: definition, toy: Self.toy, workers: 3, seed: 0).run()
        let tree = expected.intervals.map(\.inTree)
        #expect(expected.intervals.contains { $0.isExploit })
        definition.isSynchronous = false
        for (workers, slowness) in [(1, 1.0), (2, 3), (4, 1), (4, 3), (8, 1), (8, 3)] {
            let run = try await VirtualRun(
                experiment: definition, toy: Self.toy, workers: workers, seed: UInt64(workers), slowness: slowness
            ).run()
            #expect(run.intervals.map(\.inTree) == tree, "\(workers) workers")
            #expect(run.intervals.allSatisfy { $0.depth == $0.id.index + 1 })
            #expect(run.record.undecided == 0)
            let audit = try Audit(experiment: definition, intervals: run.intervals)
            #expect(audit.mismatches == [])
        }
    }

    @Test func `early decisions give other trees with other numbers of workers`() async throws {
        let definition = experiment(.early, members: 8)
        let one = try await VirtualRun(experiment: definition, toy: Self.toy, workers: 1, seed: 1).run()
        let four = try await VirtualRun(experiment: definition, toy: Self.toy, workers: 4, seed: 1).run()
        #expect(one.intervals.map(\.inTree) != four.intervals.map(\.inTree))
    }

    @Test(arguments: [(8, 2), (8, 4), (16, 4), (16, 8), (32, 16)])
    func `up to half as many workers as members are idle at most 0.5 % more than with early decisions`(
        members: Int, workers: Int
    ) async throws {
        var (early, certain, barrier) = (0.0, 0.0, 0.0)
        for seed in 1...UInt64(4) {
            func idle(_ decides: Experiment.Decides, synchronous: Bool = false) async throws -> Double {
                var definition = experiment(decides, members: members, intervals: 25, seed: seed)
                definition.isSynchronous = synchronous
                return try await VirtualRun(experiment: definition, toy: Self.toy, workers: workers, seed: seed).run()
                    .idle
            }
            early += try await idle(.early) / 4
            certain += try await idle(.certain) / 4
            barrier += try await idle(.certain, synchronous: true) / 4
        }
        #expect(certain <= early + 0.005, "certain \(certain), early \(early)")
        #expect(barrier > certain + 0.02, "barrier \(barrier), certain \(certain)")
    }

    @Test func `a falsified decision is found`() async throws {
        let definition = experiment(.certain, members: 8)
        let run = try await VirtualRun(experiment: definition, toy: Self.toy, workers: 3, seed: 1).run()
        func problems(_ forge: (inout Interval) -> Void) throws -> [String] {
            var rows = run.intervals
            let place = try #require(rows.firstIndex { $0.isExploit })
            forge(&rows[place])
            return try Audit(experiment: definition, intervals: rows).mismatches.map(\.problem)
        }
        #expect(try problems { $0.decided = nil }.contains("it does not follow from any finished interval"))
        #expect(try problems { $0.decided?.after -= 1 }.contains { $0.contains("which was not certain") })
        #expect(try problems { $0.decided?.members = 7 }.contains { $0.contains("which was not certain") })
        #expect(try problems { $0.parent?.index -= 1 }.contains { $0.hasPrefix("its parent is recorded as ") })
        #expect(try problems { $0.decided?.order = 999 }.contains { $0.hasPrefix("its place in the order of late") })
    }
}

/// The certainty of decisions at one index, against all scores that may still come.
@Suite struct GenerationTests {
    private let size = 5

    private func experiment(
        _ exploit: ExploitRule, seed: UInt64, burnIn: Int = 0, elites: Elites? = nil
    ) -> Experiment {
        Experiment(
            "e", objective: .maximize("score"), population: size, intervals: 9, seed: seed,
            space: ["x": .uniform(0...1)], exploit: exploit, burnIn: burnIn, elites: elites)
    }

    private func interval(_ member: Int, _ score: Double) -> Interval {
        var interval = Interval(
            id: IntervalID(member: member, index: 3), parent: nil, hyperparameters: ["x": 0.5], depth: 4, created: epoch
        )
        interval.state = score.isFinite ? .done : .diverged
        interval.score = score.isFinite ? score : nil
        interval.checkpoint = "c"
        return interval
    }

    /// The outcomes for a member with each of the scores that the missing members may report.
    private func outcomes(
        of member: Int, in experiment: Experiment, known: [Int: Double], elites: [Population.Member] = []
    ) throws -> Set<Decision.Outcome> {
        let missing = (0..<size).filter { known[$0] == nil }
        // Below, between and above the known ones, and no score.
        let values = [Double.nan] + (0...size).map { Double($0) + 0.5 }
        var outcomes: Set<Decision.Outcome> = []
        for code in 0..<missing.reduce(1, { count, _ in count * values.count }) {
            var (scores, rest) = (known, code)
            for other in missing {
                // Distinct, so that ties do not matter.
                scores[other] = values[rest % values.count] + Double(other) * 0.01
                rest /= values.count
            }
            var population = Population(experiment)
            for (other, score) in scores {
                if let standing = experiment.standing(of: interval(other, score), after: nil) {
                    population.update(standing)
                }
            }
            population.elites = elites
            let own = scores[member] ?? .nan
            outcomes.insert(
                try experiment.decide(after: interval(member, own), in: population, at: epoch).outcome)
        }
        return outcomes
    }

    @Test(
        arguments: [
            ExploitRule.truncation(), .truncation(bottom: 0.4, top: 0.2), .binaryTournament, .best,
            .tTest(window: 3, significance: 0.3), .multiFrequency(every: [1, 2]), .multiFrequency(every: [3, 2]),
            .multiFrequency(every: [2, 3]),
        ], [(0, nil), (9, nil), (0, Elites(count: 1, absolute: 0.5)), (9, Elites(count: 2, relative: 0.1))])
    func `a decision is certain only if no missing score can change it`(
        exploit: ExploitRule, rest: (burnIn: Int, elites: Elites?)
    ) throws {
        let burnIn = rest.burnIn
        var certain = 0
        for seed in 0..<UInt64(20) {
            let experiment = self.experiment(exploit, seed: seed, burnIn: burnIn, elites: rest.elites)
            var random = RandomStream.trial(Int(seed), name: "generation")
            var generation = Generation(experiment, index: 3, size: size)
            let elites = [2.5, 3.5].suffix(rest.elites?.count ?? 0).compactMap { score in
                experiment.standing(of: experiment.trained(1, index: 2, score: score), after: nil)
            }
            generation.setElites(elites)
            var known: [Int: Double] = [:]
            var waiting = Array(0..<size)
            while !waiting.isEmpty {
                let member = waiting.remove(at: random.index(below: waiting.count))
                let score = random.unit() < 0.15 ? Double.nan : Double(random.index(below: 5)) + Double(member) / 10
                known[member] = score
                generation.report(
                    member, experiment.standing(of: interval(member, score), after: nil), undecided: true)
                let settled = generation.settled(by: member)
                for other in known.keys where generation.isUndecided(other) {
                    #expect(settled.contains(other) == generation.isCertain(other))
                    guard waiting.count <= 3 else { continue }
                    let outcomes = try self.outcomes(of: other, in: experiment, known: known, elites: elites)
                    if generation.isCertain(other) {
                        certain += waiting.isEmpty ? 0 : 1
                        #expect(outcomes.count == 1, "\(other) of \(known): \(outcomes)")
                    } else if case .truncation = exploit.kind, !known[other, default: .nan].isNaN || burnIn == 0 {
                        // And as soon as that is so.
                        #expect(outcomes.count > 1, "\(other) of \(known): \(outcomes)")
                    }
                }
                for other in settled { generation.decide(other) }
            }
            #expect(generation.isClosed)
        }
        #expect(exploit == .best && burnIn == 0 ? certain == 0 : certain > 10)
    }
}
