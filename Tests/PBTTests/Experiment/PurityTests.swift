// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTTesting
import Testing

/// A decision is a function of recorded rows: not of time, order, or anything else that was decided.
@Suite("Decisions are pure") struct PurityTests {
    private static let rules: [ExploitRule] = [
        .truncation(), .binaryTournament, .tTest(window: 3, significance: 0.4), .best, .ray(),
    ]

    private func scores(_ seed: Int, _ count: Int) -> [Double] {
        var random = RandomStream.trial(seed, name: "scores")
        return (0..<count).map { _ in (random.normal() * 4).rounded() }
    }

    @Test(arguments: rules)
    func `the same arguments give the same decision`(rule: ExploitRule) throws {
        for seed in 0..<20 {
            let experiment = Experiment.sample(
                population: 12, seed: UInt64(seed), exploit: rule, explore: .perturb(resampling: 0.3))
            #expect(
                try experiment.decisions(scores: scores(seed, 12)) == experiment.decisions(scores: scores(seed, 12)))
        }
    }

    @Test(arguments: rules)
    func `the order in which members came into the population does not matter`(rule: ExploitRule) throws {
        for seed in 0..<20 {
            let experiment = Experiment.sample(population: 12, seed: UInt64(seed), exploit: rule)
            let rows = scores(seed, 12).enumerated().map { experiment.trained($0, score: $1) }
            func population(_ order: [Int]) -> Population {
                var population = Population(objective: experiment.objective, seed: experiment.seed)
                for i in order {
                    if let standing = experiment.standing(of: rows[i], after: nil) { population.update(standing) }
                }
                return population
            }
            var random = RandomStream.trial(seed, name: "order")
            var shuffled = Array(0..<12)
            for i in shuffled.indices { shuffled.swapAt(i, i + random.index(below: 12 - i)) }
            let (one, other) = (population(Array(0..<12)), population(shuffled))
            #expect(one.ranked == other.ranked)
            for row in rows {
                #expect(
                    try experiment.decide(after: row, in: one, at: epoch)
                        == experiment.decide(after: row, in: other, at: epoch))
            }
        }
    }

    @Test func `what was decided before does not move a decision`() throws {
        let experiment = Experiment.sample(population: 12)
        let scores = scores(1, 12)
        let population = experiment.population(scores: scores)
        let forward = try (0..<12).map {
            try experiment.decide(after: experiment.trained($0, score: scores[$0]), in: population, at: epoch)
        }
        let backward = try (0..<12).reversed().map {
            try experiment.decide(after: experiment.trained($0, score: scores[$0]), in: population, at: epoch)
        }
        #expect(forward == backward.reversed())
    }

    @Test func `a member added elsewhere moves neither founders nor explores`() throws {
        let small = Experiment.sample(population: 8)
        let large = Experiment.sample(population: 100)
        for member in 0..<8 {
            #expect(small.founder(member) == large.founder(member))
            #expect(
                small.trainerSeed(for: IntervalID(member: member, index: 3))
                    == large.trainerSeed(for: IntervalID(member: member, index: 3)))
        }
        // One more member in the middle of the ranking: with the same donor, the same child.
        let best = Experiment.sample(population: 8, exploit: .best)
        let few = try best.decisions(scores: [0, 1, 2, 9])
        let more = try best.decisions(scores: [0, 1, 2, 9, 5])
        #expect(Array(more.prefix(4)) == few)
    }

    @Test func `a hyperparameter added to the space moves no other's explore`() throws {
        let small = Experiment.sample(population: 4, space: ["b": .uniform(0...1)], explore: .perturb(resampling: 0.5))
        let large = Experiment.sample(
            population: 4, space: ["a": .boolean, "b": .uniform(0...1), "c": .integer(1...9)],
            explore: .perturb(resampling: 0.5))
        for index in 0..<8 {
            let one = try small.decisions(index: index, scores: [0, 1, 2, 3])[0].next?.hyperparameters["b"]
            #expect(one != nil)
            #expect(try large.decisions(index: index, scores: [0, 1, 2, 3])[0].next?.hyperparameters["b"] == one)
        }
    }

    @Test func `time is only written down`() throws {
        let experiment = Experiment.sample(population: 4)
        let population = experiment.population(scores: [0, 1, 2, 3])
        let row = experiment.trained(0, score: 0)
        let early = try experiment.decide(after: row, in: population, at: epoch)
        let late = try experiment.decide(after: row, in: population, at: Timestamp(milliseconds: 1_000_000))
        #expect(early.outcome == late.outcome && early.next?.hyperparameters == late.next?.hyperparameters)
        #expect(early.next?.created == epoch && late.next?.created.milliseconds == 1_000_000)
    }

    @Test func `another seed decides otherwise`() throws {
        let decisions = try (0..<20).map {
            try Experiment.sample(population: 20, seed: UInt64($0)).decisions(scores: (0..<20).map(Double.init)).map(
                \.donor)
        }
        #expect(Set(decisions).count == 20)
    }

    @Test func `a synchronous run does not depend on the order in which members finish`() throws {
        let experiment = Experiment.sample(
            population: 6, intervals: 8, space: FigureTwo.space, exploit: .truncation(0.34), synchronous: true)
        let one = try FigureTwoSpace.run(experiment)
        for seed: UInt64 in 0..<5 {
            let other = try FigureTwoSpace.run(experiment, order: .drawn(seed))
            #expect(other.intervals == one.intervals && other.decisions == one.decisions)
        }
    }
}

@Suite("Population") struct PopulationTests {
    private func member(_ id: Int, _ score: Double, index: Int = 0) -> Population.Member {
        Population.Member(id: id, index: index, depth: index + 1, score: score, hyperparameters: [:])
    }

    @Test func `members stand in order, best first, and are found by number and rank`() {
        var population = Population(objective: .minimize("x"), seed: 1)
        for (id, score) in [5.0, 1, 3, 2, 4].enumerated() { population.update(member(id, score)) }
        #expect(population.ranked.map(\.score) == [1, 2, 3, 4, 5])
        #expect(population.rank(of: 1) == 0 && population.rank(of: 0) == 4)
        #expect(population[rank: 1].id == 3 && population[id: 3]?.score == 2)
    }

    @Test func `who is not there has no rank`() {
        var population = Population(objective: .maximize("x"), seed: 1)
        population.update(member(3, 1))
        #expect(population.count == 1)
        #expect(population[id: 0] == nil && population[id: 9] == nil && population[id: -1] == nil)
        #expect(population.rank(of: 0) == nil && population.rank(of: 9) == nil)
        population.remove(0)
        population.remove(9)
        population.remove(3)
        population.remove(3)
        #expect(population.count == 0 && population.ranked.isEmpty)
    }

    @Test func `a long life of updates and removals keeps the order that sorting gives`() {
        var random = RandomStream.trial(9)
        var population = Population(objective: .maximize("x"), seed: 1)
        var plain: [Int: Double] = [:]
        for step in 0..<2000 {
            let id = random.index(below: 40)
            if random.index(below: 4) == 0 {
                population.remove(id)
                plain[id] = nil
            } else {
                let score = Double(random.index(below: 10)) - 5
                population.update(member(id, score, index: step))
                plain[id] = score
            }
            if step % 50 == 0 {
                #expect(population.count == plain.count)
                #expect(population.ranked.map(\.score) == plain.values.sorted(by: >))
                for (rank, member) in population.ranked.enumerated() {
                    #expect(population.rank(of: member.id) == rank && plain[member.id] == member.score)
                }
            }
        }
    }
}
