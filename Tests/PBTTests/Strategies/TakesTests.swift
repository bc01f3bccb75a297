// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTTesting
import Testing

/// What a member takes over: weights, hyperparameters, or both; and members that only explore.
@Suite("What exploit takes") struct TakesTests {
    private let space: SearchSpace = [
        "rate": .uniform(0...1), "momentum": .uniform(0...1), "width": .integer(1...1000).immutable(),
        "note": .constant("x"),
    ]

    private func experiment(_ exploit: ExploitRule, explore: ExploreRule = .none, seed: UInt64 = 1) -> Experiment {
        .sample(seed: seed, space: space, exploit: exploit, explore: explore)
    }

    private let rules: [ExploitRule] = [
        .truncation(0.25), .truncation(bottom: 0.4, top: 0.1), .binaryTournament, .best, .ray(),
        .tTest(window: 2, significance: 0.4),
    ]

    @Test func `weights only copies the checkpoint, and the member's own hyperparameters continue`() throws {
        var copies = 0
        for rule in rules {
            let experiment = experiment(rule.taking(.weights))
            for decision in try experiment.decisions(scores: (0..<8).map(Double.init)) {
                guard let donor = decision.donor else { continue }
                copies += 1
                let (own, given) = (experiment.founder(decision.interval.member), experiment.founder(donor.member))
                let next = try #require(decision.next)
                #expect(decision.outcome == .exploits(donor) && decision.replaces)
                #expect(next.parent == donor && next.isExploit)
                #expect(next.hyperparameters["rate"] == own["rate"] && own["rate"] != given["rate"])
                #expect(next.hyperparameters["momentum"] == own["momentum"])
                #expect(next.hyperparameters["width"] == given["width"], "it shapes the weights")
                #expect(next.changes.map(\.old) == next.changes.map(\.new))
            }
        }
        #expect(copies > 10)
    }

    @Test func `hyperparameters only keeps the member's checkpoint, score and depth`() throws {
        var copies = 0
        for rule in rules {
            let experiment = experiment(rule.taking(.hyperparameters))
            for decision in try experiment.decisions(scores: (0..<8).map(Double.init)) {
                guard let donor = decision.donor else { continue }
                copies += 1
                let (own, given) = (experiment.founder(decision.interval.member), experiment.founder(donor.member))
                let next = try #require(decision.next)
                #expect(decision.outcome == .adopts(donor) && decision.name == "adopts" && !decision.replaces)
                #expect(next.parent == decision.interval && !next.isExploit && next.depth == 2)
                #expect(next.hyperparameters["rate"] == given["rate"] && own["rate"] != given["rate"])
                #expect(next.hyperparameters["momentum"] == given["momentum"])
                #expect(next.hyperparameters["width"] == own["width"], "it shapes the weights")
                #expect(decision.value["decision"] == "adopts" && decision.value["donor"] == donor.value)
            }
        }
        #expect(copies > 10)
    }

    @Test func `the same members take over the same donors, whatever they take`() throws {
        for rule in rules {
            for seed: UInt64 in 0..<10 {
                let donors = try ExploitRule.Takes.allCases.map { takes in
                    try experiment(rule.taking(takes), seed: seed).decisions(scores: (0..<8).map(Double.init)).map(
                        \.donor)
                }
                #expect(donors[0] == donors[1] && donors[0] == donors[2])
            }
        }
    }

    @Test(arguments: ExploitRule.Takes.allCases)
    func `explore starts from what was taken, or kept`(takes: ExploitRule.Takes) throws {
        let experiment = experiment(.best.taking(takes), explore: .perturb(by: [0.5]))
        for decision in try experiment.decisions(scores: (0..<8).map(Double.init)) {
            guard let donor = decision.donor, let next = decision.next else { continue }
            let from = experiment.founder(takes == .weights ? decision.interval.member : donor.member)
            #expect(try next.hyperparameters.double("rate") == from.double("rate") / 2)
            #expect(next.changes.first { $0.name == "rate" }?.old == from["rate"])
        }
    }

    @Test(arguments: ExploitRule.Takes.allCases)
    func `a member that diverged has nothing to keep, and takes both`(takes: ExploitRule.Takes) throws {
        let experiment = experiment(.truncation(0.25).taking(takes))
        let decision = try experiment.decisions(scores: [.nan, 1, 2, 3, 4, 5, 6, 7])[0]
        let donor = try #require(decision.donor)
        #expect(decision.outcome == .exploits(donor) && decision.next?.parent == donor)
        #expect(decision.next?.hyperparameters == experiment.founder(donor.member))
    }

    @Test func `a hyperparameter that applies on one side only is removed or taken along`() throws {
        let space: SearchSpace = [
            "optimizer": .choice(["adam", "sgd"]),
            "momentum": .uniform(0.1...0.9).when("optimizer", is: "sgd"),
        ]
        var combinations: Set<String> = []
        for seed: UInt64 in 0..<40 {
            for takes in ExploitRule.Takes.allCases {
                let experiment = Experiment.sample(
                    population: 2, seed: seed, space: space, exploit: .best.taking(takes), explore: .none)
                let decision = try experiment.decisions(scores: [0, 1])[0]
                let next = try #require(decision.next)
                let from = experiment.founder(takes == .weights ? 0 : 1)
                #expect(next.hyperparameters == from, "\(takes) of seed \(seed)")
                #expect(next.changes.allSatisfy { $0.isKept })
                combinations.insert("\(takes) \(next.hyperparameters.names.count)")
            }
        }
        #expect(combinations.count == 6)
    }

    @Test func `one that applies because of what shapes the weights comes along, or is removed`() throws {
        let space: SearchSpace = [
            "optimizer": .choice(["adam", "sgd"]).immutable(),
            "momentum": .uniform(0.1...0.9).when("optimizer", is: "sgd"),
        ]
        var combinations: Set<String> = []
        for seed: UInt64 in 0..<40 {
            for takes in ExploitRule.Takes.allCases {
                let experiment = Experiment.sample(
                    population: 2, seed: seed, space: space, exploit: .best.taking(takes), explore: .none)
                let next = try #require(try experiment.decisions(scores: [0, 1])[0].next)
                let (own, given) = (experiment.founder(0), experiment.founder(1))
                let (weights, others) = takes == .hyperparameters ? (own, given) : (given, takes == .both ? given : own)
                #expect(next.hyperparameters["optimizer"] == weights["optimizer"])
                let expected = weights["optimizer"] == "sgd" ? others["momentum"] ?? weights["momentum"] : nil
                #expect(next.hyperparameters["momentum"] == expected)
                combinations.insert("\(takes) \(own["momentum"] == nil) \(given["momentum"] == nil)")
            }
        }
        #expect(combinations.count == 12)
    }

    @Test func `the score of a member that adopts hyperparameters still counts in a t-test`() throws {
        let experiment = Experiment.sample(
            intervals: 6, space: FigureTwo.space,
            exploit: .tTest(window: 3, significance: 0.4).taking(.hyperparameters), decides: .certain)
        let outcome = try FigureTwoSpace.run(experiment)
        let adopted = outcome.decisions.filter { $0.name == "adopts" }
        #expect(!adopted.isEmpty && outcome.intervals.values.allSatisfy { !$0.isExploit })
        #expect(outcome.intervals.values.allSatisfy { $0.depth == $0.id.index + 1 })
    }
}

@Suite("Explore only") struct ExploreOnlyTests {
    private func experiment(_ explore: ExploreRule = .perturb(by: [0.5]), seed: UInt64 = 1) -> Experiment {
        .sample(seed: seed, space: ["rate": .uniform(0...1)], exploit: .itself, explore: explore, decides: .certain)
    }

    @Test func `each member continues with its weights and explores its own hyperparameters`() throws {
        let experiment = experiment()
        for decision in try experiment.decisions(scores: (0..<8).map(Double.init)) {
            let (next, own) = (try #require(decision.next), experiment.founder(decision.interval.member))
            #expect(decision.outcome == .explores && decision.name == "explores" && !decision.replaces)
            #expect(next.parent == decision.interval && next.depth == 2 && !next.isExploit)
            #expect(try next.hyperparameters.double("rate") == own.double("rate") / 2)
            #expect(
                next.changes == [
                    Change(
                        name: "rate", old: own["rate"] ?? 0, operation: "×0.5", new: next.hyperparameters["rate"] ?? 0)
                ])
            #expect(decision.value["decision"] == "explores" && decision.value["changes"]?.array?.count == 1)
        }
    }

    @Test func `one that diverged or failed ends, and so does every one after its last interval`() throws {
        let experiment = experiment()
        #expect(try experiment.decisions(scores: [.nan, 1])[0].outcome == .ends)
        let decisions9 = try experiment.decisions(index: 9, scores: [0, 1])
        #expect(decisions9.allSatisfy { $0.outcome == .ends })
        let failed = experiment.trained(0, score: 1).failed()
        #expect(experiment.ends(after: failed))
        #expect(try experiment.decide(after: failed, in: Population(experiment), at: epoch).outcome == .ends)
    }

    @Test func `nothing changes before the end of the burn-in`() throws {
        var experiment = experiment()
        experiment.burnIn = 3
        let decisions1 = try experiment.decisions(index: 1, scores: [0, 1])
        #expect(decisions1.allSatisfy { $0.outcome == .continues })
        let decisions2 = try experiment.decisions(index: 2, scores: [0, 1])
        #expect(decisions2.allSatisfy { $0.outcome == .explores })
    }

    @Test func `a decision depends on no other member, also by a strategy written in Swift`() throws {
        let experiment = experiment(.custom("size"))
        let strategies = Strategies(explore: ["size": CountsMembers()])
        let decision = try experiment.decide(
            after: experiment.trained(3, score: 1), in: experiment.population(scores: [1, 2, 3, 4]),
            strategies: strategies, at: epoch)
        #expect(decision.next?.hyperparameters["rate"] == 1)
    }

    @Test(arguments: [ExploreRule.perturb(), .step(deviation: 0.1), .resample])
    func `1 to 8 workers give the same tree, which an audit derives`(explore: ExploreRule) async throws {
        var definition = Experiment(
            "e", objective: .maximize("q"), population: 5, intervals: 8, seed: 3, space: FigureTwo.space,
            exploit: .itself, explore: explore)
        func row(_ interval: Interval) -> String {
            "\(interval.id) \(interval.parent as Any) \(interval.hyperparameters) \(interval.changes) \(interval.score ?? .nan)"
        }
        var trees: [[String]] = []
        for (workers, decides) in [(1, Experiment.Decides.certain), (3, .early), (8, .certain), (2, .late)] {
            definition.decides = decides
            let run = try await VirtualRun(
                experiment: definition, toy: FigureTwo(), workers: workers, seed: UInt64(workers), slowness: 3
            ).run()
            trees.append(run.intervals.map(row))
            let audit = try Audit(experiment: definition, intervals: run.intervals)
            #expect(audit.mismatches == [])
            #expect(audit.findings.count { $0.decision.outcome == .explores } == 5 * 7)
        }
        #expect(trees.allSatisfy { $0 == trees[0] && $0.count == 40 })
    }

    @Test func `an audit notices another value`() async throws {
        let definition = Experiment(
            "e", objective: .maximize("q"), population: 2, intervals: 4, seed: 3, space: FigureTwo.space,
            exploit: .itself)
        var rows = try await VirtualRun(experiment: definition, toy: FigureTwo(), workers: 2, seed: 0).run().intervals
        let place = try #require(rows.firstIndex { $0.id.index == 2 })
        rows[place].hyperparameters["h0"] = 0.123
        let audit = try Audit(experiment: definition, intervals: rows)
        #expect(audit.mismatches.contains { $0.interval == rows[place].id })
    }
}

/// Proposes the number of members that it is given.
private struct CountsMembers: ExploreStrategy {
    func explore(
        own: Hyperparameters, donor: Population.Member, in population: Population, space: SearchSpace,
        using random: inout RandomStream
    ) -> Hyperparameters {
        ["rate": .number(Double(population.count))]
    }
}

@Suite("Normal steps") struct NormalStepTests {
    private func moves(_ dimension: Dimension, from value: Value, by deviation: Double) -> [Double] {
        (0..<20000).compactMap { number in
            var random = RandomStream.trial(number)
            return dimension.explored(from: value, by: .step(deviation: deviation), using: &random).value.double
        }
    }

    private func meanAndDeviation(_ numbers: [Double]) -> (Double, Double) {
        let mean = numbers.reduce(0, +) / Double(numbers.count)
        let squares = numbers.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
        return (mean, (squares / Double(numbers.count)).squareRoot())
    }

    @Test func `the noise has a mean of 0 and that share of the range as its standard deviation`() {
        let (mean, deviation) = meanAndDeviation(
            moves(.uniform(-10...30, bounds: -1000...1000), from: 10, by: 0.1).map { $0 - 10 })
        #expect(mean.magnitude < 0.12 && (deviation - 4).magnitude < 0.1, "\(mean) ± \(deviation)")
    }

    @Test func `it is added on the scale of the distribution`() {
        let logs = moves(.logUniform(1e-4...1, bounds: 1e-30...1e30), from: 0.01, by: 0.1).map {
            Mathematics.log($0 / 0.01)
        }
        let (mean, deviation) = meanAndDeviation(logs)
        #expect(mean.magnitude < 0.03 && (deviation / (0.1 * Mathematics.log(1e4)) - 1).magnitude < 0.03)
    }

    @Test func `it stays within the bounds, leaves 0, and says what it did`() {
        let unit = Dimension.uniform(0...1)
        let reached = moves(unit, from: 0, by: 0.1)
        #expect(
            reached.allSatisfy { (0...1).contains($0) }
                && (0.4...0.6).contains(Double(reached.count { $0 > 0 }) / 20000))
        var random = RandomStream.trial(1)
        let explored = unit.explored(from: 0.5, by: .step(deviation: 0.1), using: &random)
        #expect(explored.operation.hasSuffix("% of range") && !explored.isClipped)
    }

    @Test func `integers, ordered choices and grids move by at least one place`() {
        for number in 0..<500 {
            var random = RandomStream.trial(number)
            let rule = ExploreRule.step(deviation: 0.01)
            #expect(Dimension.integer(1...9).explored(from: 5, by: rule, using: &random).value != 5)
            let choice = Dimension.choice([1, 2, 3], ordered: true)
            #expect(choice.explored(from: 2, by: rule, using: &random).value != 2)
            #expect(Dimension.uniform(0...1, quantum: 0.25).explored(from: 0.5, by: rule, using: &random).value != 0.5)
        }
    }
}
