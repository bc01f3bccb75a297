// SPDX-License-Identifier: Apache-2.0

import PBT
import Testing

@Suite("Decisions") struct DecisionTests {
    private let space: SearchSpace = [
        "rate": .logUniform(1e-4...1), "layers": .integer(1...8).immutable(), "note": .constant("x"),
        "drop": .uniform(0...1).explored(by: .none), "beta": .uniform(0...1).explored(by: .perturb(by: [3])),
        "size": .choice([32, 64, 128], ordered: true),
    ]

    @Test func `a survivor keeps its weights and hyperparameters bit for bit`() throws {
        let experiment = Experiment.sample(space: space)
        let decisions = try experiment.decisions(scores: (0..<8).map(Double.init))
        for decision in decisions where decision.outcome == .continues {
            let next = try #require(decision.next)
            #expect(next.id == IntervalID(member: decision.interval.member, index: 1))
            #expect(next.parent == decision.interval)
            #expect(next.hyperparameters == experiment.founder(decision.interval.member))
            #expect(next.changes.isEmpty && next.depth == 2 && next.state == .waiting && !next.isExploit)
        }
        #expect(decisions.count { $0.outcome == .continues } == 6)
    }

    @Test func `a replaced member continues the donor's checkpoint with the donor's hyperparameters, explored`() throws
    {
        let experiment = Experiment.sample(space: space)
        for decision in try experiment.decisions(scores: (0..<8).map(Double.init)) {
            guard let donor = decision.donor else { continue }
            let next = try #require(decision.next)
            #expect(next.parent == donor && next.isExploit && next.depth == 2)
            let old = experiment.founder(donor.member)
            for change in next.changes {
                #expect(change.old == old[change.name] && change.new == next.hyperparameters[change.name])
            }
            #expect(next.hyperparameters.names == experiment.space.names.sorted())
        }
    }

    @Test func `what is immutable or constant follows the donor and is no change`() throws {
        for seed: UInt64 in 0..<30 {
            let experiment = Experiment.sample(seed: seed, space: space, explore: .resample)
            for decision in try experiment.decisions(scores: (0..<8).map(Double.init)) {
                guard let donor = decision.donor, let next = decision.next else { continue }
                #expect(next.hyperparameters["layers"] == experiment.founder(donor.member)["layers"])
                #expect(next.hyperparameters["note"] == "x")
                #expect(next.changes.map(\.name) == ["rate", "drop", "beta", "size"])
            }
        }
    }

    @Test func `a hyperparameter's own explore rule goes before the experiment's`() throws {
        for seed: UInt64 in 0..<30 {
            let experiment = Experiment.sample(seed: seed, space: space)
            for decision in try experiment.decisions(scores: (0..<8).map(Double.init)) {
                guard let donor = decision.donor, let next = decision.next else { continue }
                let old = experiment.founder(donor.member)
                #expect(next.hyperparameters["drop"] == old["drop"])
                #expect(try next.hyperparameters.double("beta") == min(1, old.double("beta") * 3))
                #expect(next.changes.first { $0.name == "drop" }?.operation == "kept")
                #expect(next.changes.first { $0.name == "beta" }?.operation == "×3")
            }
        }
    }

    @Test func `there is no exploit after the last interval`() throws {
        let experiment = Experiment.sample(population: 4, intervals: 3)
        let decisions = try experiment.decisions(index: 2, scores: [0, 1, 2, .nan])
        #expect(decisions.allSatisfy { $0.outcome == .ends && $0.next == nil && $0.name == "ends" })
        #expect(try experiment.decisions(index: 1, scores: [0, 1, 2, .nan]).count { $0.donor != nil } == 1)
    }

    @Test func `a replay follows its schedule and ends when it diverges`() throws {
        let schedule: [Hyperparameters] = [["rate": 0.1], ["rate": 0.05], ["rate": 0.01]]
        let replay = Experiment.sample(space: space).replay(named: "again", schedule: schedule, seeds: 2)
        #expect(replay.population == 2 && replay.intervals == 3 && replay.founder(1) == schedule[0])
        let decisions = try replay.decisions(scores: [1, .nan])
        #expect(decisions[0].next?.hyperparameters == schedule[1] && decisions[1].outcome == .ends)
        #expect(try replay.decisions(index: 1, scores: [1])[0].next?.hyperparameters == schedule[2])
        #expect(try replay.decisions(index: 2, scores: [1])[0].outcome == .ends)
    }

    @Test func `a decision reads as JSON`() throws {
        let experiment = Experiment.sample(
            population: 4, space: ["rate": .logUniform(1e-4...1).explored(by: .perturb(by: [2]))])
        let decision = try experiment.decisions(scores: [0, 1, 2, 3])[0]
        let old = experiment.founder(3)["rate"] ?? .null
        let new = decision.next?.hyperparameters["rate"] ?? .null
        #expect(
            decision.value == [
                "decision": "exploits", "donor": ["member": 3, "interval": 0],
                "changes": [["name": "rate", "old": old, "operation": "×2", "new": new]],
            ])
        #expect(
            Change(value: ["name": "rate", "old": old, "operation": "×2", "new": new]) == decision.next?.changes.first)
        #expect(Change(value: ["name": "rate"]) == nil)
    }
}

@Suite("Strategies in Swift") struct CustomStrategyTests {
    /// Takes over the member with the next number.
    private struct Neighbor: ExploitStrategy {
        func donor(for member: Population.Member, in population: Population, using random: inout RandomStream) -> Int? {
            member.id + 1
        }
    }

    /// Proposes what is mostly illegal.
    private struct Wild: ExploreStrategy {
        func explore(
            own: Hyperparameters, donor: Population.Member, in population: Population, space: SearchSpace,
            using random: inout RandomStream
        ) -> Hyperparameters {
            ["rate": 1e9, "kind": "unknown", "layers": "many", "note": "changed", "depth": 9, "unknown": 1]
        }
    }

    private let space: SearchSpace = [
        "rate": .logUniform(1e-4...1), "kind": .choice(["a", "b"]), "layers": .integer(1...8), "note": .constant("x"),
        "depth": .integer(1...20).immutable(), "flag": .boolean,
        "own": .uniform(1...2).explored(by: .perturb(by: [0.5])),
    ]

    @Test func `an exploit strategy chooses the donor, but none that does not exist`() throws {
        let experiment = Experiment.sample(population: 4, exploit: .custom("next"))
        let decisions = try experiment.decisions(
            scores: [4, 3, 2, 1], strategies: Strategies(exploit: ["next": Neighbor()]))
        #expect(decisions.map { $0.donor?.member } == [1, 2, 3, nil])
    }

    @Test func `a proposal is brought into the space, and what cannot be keeps the donor's value`() throws {
        let experiment = Experiment.sample(population: 4, space: space, explore: .custom("wild"))
        let decision = try experiment.decisions(
            scores: [0, 1, 2, 3], strategies: Strategies(explore: ["wild": Wild()]))[0]
        let donor = experiment.founder(3)
        let next = try #require(decision.next)
        #expect(next.hyperparameters["rate"] == 1.0)
        for name in ["kind", "layers", "note", "depth", "flag"] {
            #expect(next.hyperparameters[name] == donor[name], "\(name)")
        }
        #expect(next.hyperparameters["own"] == 1.0 || next.hyperparameters["own"] == donor["own"])
        #expect(next.hyperparameters.names == experiment.space.names.sorted())
        #expect(next.changes.filter { $0.operation == "custom" }.map(\.name) == ["rate"])
        #expect(next.changes.filter { $0.operation == "kept" }.map(\.name) == ["kind", "layers", "flag"])
        #expect(next.changes.first { $0.name == "own" }?.operation == "×0.5")
    }

    @Test func `a strategy that the program does not have is an error that names it`() {
        let message =
            #"the experiment's exploit strategy "next" is written in Swift, and this program lacks it; "#
            + "open the store with it in `Strategies`"
        #expect(throws: PBTError(.noSuchStrategy, message)) {
            try Experiment.sample(exploit: .custom("next")).decisions(scores: [1, 2])
        }
        #expect(throws: PBTError(.noSuchStrategy, message.replacing("exploit", "explore"))) {
            try Experiment.sample(population: 2, exploit: .best, explore: .custom("next")).decisions(scores: [1, 2])
        }
        #expect(throws: PBTError.self) {
            try Strategies().check(.sample(space: ["x": .uniform(0...1).explored(by: .custom("next"))]))
        }
    }
}

extension String {
    fileprivate func replacing(_ old: String, _ new: String) -> String {
        guard let range = ranges(of: old).first else { return self }
        var copy = self
        copy.replaceSubrange(range, with: new)
        return copy
    }
}
