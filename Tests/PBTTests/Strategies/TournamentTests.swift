// SPDX-License-Identifier: Apache-2.0

import PBT
import Testing

@Suite("Binary tournament, best and none") struct TournamentTests {
    @Test func `a member of rank r among N is replaced with probability (r - 1) over (N - 1)`() throws {
        let count = 8
        let trials = 2000
        var replaced = Array(repeating: 0, count: count)
        for seed in 0..<trials {
            let experiment = Experiment.sample(population: count, seed: UInt64(seed), exploit: .binaryTournament)
            for decision in try experiment.decisions(scores: (0..<count).map { -Double($0) })
            where decision.donor != nil {
                replaced[decision.interval.member] += 1
            }
        }
        #expect(replaced[0] == 0, "the best is never replaced")
        #expect(replaced[count - 1] == trials, "the worst always is")
        for rank in 1..<count - 1 {
            let p = Double(rank) / Double(count - 1)
            let bound = 5 * (Double(trials) * p * (1 - p)).squareRoot()
            #expect((Double(replaced[rank]) - p * Double(trials)).magnitude < bound, "rank \(rank): \(replaced[rank])")
        }
    }

    @Test func `a tournament's donor always ranks higher, each such member equally likely`() throws {
        var donors = Array(repeating: 0, count: 5)
        for seed: UInt64 in 0..<2000 {
            let experiment = Experiment.sample(population: 5, seed: seed, exploit: .binaryTournament)
            let population = experiment.population(scores: [0, 1, 2, 3, 4])
            let decision = try experiment.decide(after: experiment.trained(1, score: 1), in: population, at: epoch)
            if let donor = decision.donor { donors[donor.member] += 1 }
        }
        #expect(donors[0] == 0 && donors[1] == 0)
        #expect(chiSquare(Array(donors[2...])) < 24, "\(donors)")
    }

    @Test func `a member that is alone goes on by itself, whatever the rule`() throws {
        for rule in [ExploitRule.truncation(0.5), .binaryTournament, .tTest(), .best, .none, .ray(quantile: 0.5)] {
            let experiment = Experiment.sample(population: 1, exploit: rule)
            #expect(try experiment.decisions(scores: [1]).map(\.outcome) == [.continues])
        }
    }

    @Test func `with the rule best everybody takes over the best`() throws {
        let experiment = Experiment.sample(population: 5, exploit: .best)
        let decisions = try experiment.decisions(scores: [1, 5, 3, 2, 4])
        #expect(decisions[1].outcome == .continues)
        for decision in decisions where decision.interval.member != 1 {
            #expect(decision.donor == IntervalID(member: 1, index: 0))
        }
    }

    @Test func `with the rule none nobody is replaced`() throws {
        let experiment = Experiment.sample(population: 5, exploit: .none)
        #expect(try experiment.decisions(scores: [1, 5, 3, 2, 4]).allSatisfy { $0.outcome == .continues })
    }
}

@Suite("Ties") struct TieTests {
    private static let rules: [ExploitRule] = [.truncation(0.25), .best, .ray()]

    @Test(arguments: rules)
    func `equal scores do not stop the exchange`(rule: ExploitRule) throws {
        let decisions = try Experiment.sample(population: 8, exploit: rule).decisions(
            scores: Array(repeating: 1, count: 8))
        #expect(decisions.contains { $0.donor != nil })
        #expect(decisions.contains { $0.donor == nil })
        #expect(decisions.allSatisfy { $0.donor?.member != $0.interval.member })
    }

    @Test func `two members that tie exchange by tournament and truncation`() throws {
        for seed: UInt64 in 0..<50 {
            for rule in [ExploitRule.truncation(0.5), .binaryTournament, .best] {
                let decisions = try Experiment.sample(population: 2, seed: seed, exploit: rule).decisions(scores: [
                    3, 3,
                ])
                #expect(decisions.count { $0.donor != nil } == 1)
            }
        }
    }

    @Test func `who wins a tie is drawn by the seed, and is the same when asked again`() throws {
        var wins = 0
        for seed: UInt64 in 0..<1000 {
            let experiment = Experiment.sample(population: 2, seed: seed, exploit: .truncation(0.5))
            let decisions = try experiment.decisions(scores: [3, 3])
            #expect(try experiment.decisions(scores: [3, 3]) == decisions)
            wins += decisions[1].donor == nil ? 0 : 1
        }
        #expect((wins - 500).magnitude < 80)
    }

    @Test func `0 and -0 tie`() {
        var ahead = 0
        for seed: UInt64 in 0..<1000 {
            for goal in Objective.Goal.allCases {
                let plain = Experiment.sample(goal: goal, seed: seed).population(scores: [0, 0])
                let signed = Experiment.sample(goal: goal, seed: seed).population(scores: [0, -0.0])
                #expect(plain.ranked.map(\.id) == signed.ranked.map(\.id))
                ahead += signed[rank: 0].id
            }
        }
        #expect((ahead - 1000).magnitude < 120)
    }

    @Test func `ties are broken anew in each interval, not always in favor of one member`() {
        let experiment = Experiment.sample()
        let winners = Set((0..<40).map { experiment.population(index: $0, scores: [1, 1, 1])[rank: 0].id })
        #expect(winners == [0, 1, 2])
    }
}
