// SPDX-License-Identifier: Apache-2.0

import PBT
import Testing

/// Members that cannot be ranked: diverged or failed.
@Suite("Non-finite scores") struct UnrankedTests {
    private static let rules: [ExploitRule] = [
        .truncation(0.2), .truncation(0.5), .binaryTournament, .tTest(), .best, .ray(), .custom("never"),
    ]
    private let strategies = Strategies(exploit: ["never": NeverExploits()])

    @Test(arguments: rules, [Double.nan, .infinity, -.infinity, .signalingNaN])
    func `such a member is always replaced and never a donor`(rule: ExploitRule, bad: Double) throws {
        for goal in Objective.Goal.allCases {
            for place in 0..<8 {
                var scores = (0..<8).map { Double($0) }
                scores[place] = bad
                let decisions = try Experiment.sample(goal: goal, population: 8, seed: UInt64(place), exploit: rule)
                    .decisions(scores: scores, strategies: strategies)
                let donor = try #require(decisions[place].donor, "\(bad) at \(place) must be replaced")
                #expect(donor.member != place)
                #expect(decisions.allSatisfy { $0.donor?.member != place })
            }
        }
    }

    @Test func `it is ranked last: it does not push a healthy member out`() throws {
        var scores = (0..<8).map { Double($0) }
        scores[3] = .nan
        let decisions = try Experiment.sample(population: 8, exploit: .truncation(0.125)).decisions(scores: scores)
        // The bottom eighth is one, and that is the one that cannot be ranked.
        #expect(decisions.filter { $0.donor != nil }.map(\.interval.member) == [3])
    }

    @Test func `its donor is one of the top`() throws {
        for seed: UInt64 in 0..<100 {
            var scores = (0..<10).map { Double($0) }
            scores[9] = .nan
            let decisions = try Experiment.sample(population: 10, seed: seed, exploit: .truncation(0.2)).decisions(
                scores: scores)
            #expect([7, 8].contains(decisions[9].donor?.member))
        }
    }

    @Test func `it counts when the top is counted, being the last of the ranking`() throws {
        // A fifth of five is one, a fifth of six is two.
        var donors: Set<Int> = []
        for seed: UInt64 in 0..<60 {
            let decisions = try Experiment.sample(population: 6, seed: seed, exploit: .truncation(0.2))
                .decisions(scores: [.nan, 1, 2, 3, 4, 5])
            donors.insert(try #require(decisions[0].donor).member)
        }
        #expect(donors == [4, 5])
    }

    @Test func `a failed interval counts as one`() throws {
        let experiment = Experiment.sample(population: 4)
        let population = experiment.population(scores: [.nan, 1, 2, 3])
        let decision = try experiment.decide(
            after: experiment.trained(0, score: .nan).failed(), in: population, at: epoch)
        #expect(decision.donor?.member == 3)
    }

    @Test func `one healthy member is enough to be the donor of all`() throws {
        for rule in Self.rules {
            let decisions = try Experiment.sample(population: 4, exploit: rule)
                .decisions(scores: [.nan, .infinity, 0.5, -.infinity], strategies: strategies)
            #expect(decisions.map(\.donor?.member) == [2, 2, nil, 2])
        }
    }

    @Test func `without any donor it starts afresh as a founder`() throws {
        let experiment = Experiment.sample(population: 3)
        for decision in try experiment.decisions(index: 4, scores: [.nan, .nan, .infinity]) {
            #expect(decision.outcome == .restarts && decision.name == "restarts")
            let next = try #require(decision.next)
            #expect(next.parent == nil && next.depth == 1 && !next.isExploit && next.changes.isEmpty)
            let fresh = experiment.space.sample(seed: 1, member: next.id.member, index: 5)
            #expect(next.hyperparameters == fresh && fresh != experiment.founder(next.id.member))
        }
    }

    @Test func `without exploit it ends, as in a random search`() throws {
        #expect(
            try Experiment.sample(population: 2, exploit: .none).decisions(scores: [.nan, 1]).map(\.outcome) == [
                .ends, .continues,
            ])
        #expect(
            try Experiment.sample(kind: .randomSearch, population: 2).decisions(scores: [.nan, 1]).map(\.outcome)
                == [.ends, .continues])
    }

    @Test func `such a score is worse than any finite one, for either goal`() {
        for goal in Objective.Goal.allCases {
            let objective = Objective(metric: "x", goal: goal)
            for bad in [Double.nan, .infinity, -.infinity] {
                for good in [0, -1e300, 1e300] {
                    #expect(!objective.isBetter(bad, than: good) && objective.isBetter(good, than: bad))
                }
                #expect(!objective.isBetter(bad, than: .nan))
            }
        }
        #expect(Objective.maximize("x").isBetter(2, than: 1) && !Objective.maximize("x").isBetter(1, than: 1))
        #expect(Objective.minimize("x").isBetter(1, than: 2) && !Objective.minimize("x").isBetter(2, than: 1))
    }

    @Test func `a population refuses such a score`() async {
        await #expect(processExitsWith: .failure) {
            _ = Population.Member(id: 0, index: 0, depth: 1, score: .nan, hyperparameters: [:])
        }
    }
}

/// A strategy that replaces nobody.
struct NeverExploits: ExploitStrategy {
    func donor(for member: Population.Member, in population: Population, using random: inout RandomStream) -> Int? {
        nil
    }
}
