// SPDX-License-Identifier: Apache-2.0

import PBT

/// Edits of a definition at any time of a simulation.
extension ContractSimulation {
    /// Edits the definition at random.
    ///
    /// - Returns: Unreferenced checkpoints, which are deleted.
    mutating func edit() async throws -> [String] {
        edits -= 1
        let record = try await store.record(of: experiment.name)
        var edited = record.experiment
        for _ in 0...Int(random.next() % 3) { change(&edited, trained: record.state.isOver) }
        if edited.isSynchronous, edited.decides == .late { edited.decides = .early }
        if edited.division != nil, edited.population < 6 { edited.exploit = .truncation() }
        if edited.division != nil, !edited.isSynchronous { edited.decides = .certain }
        edited.patience = edited.decides == .certain && !edited.isSynchronous && random.next() % 3 == 0 ? .zero : nil
        let revision = try await store.revise(edited)
        try expectEqual(revision.experiment, edited)
        let after = try await (other ?? store).record(of: experiment.name)
        try expectEqual(after.experiment, edited)
        try expectEqual(after.revisionNumber, revision.number)
        try expectEqual(try await store.revisions(of: experiment.name).last?.experiment, edited)
        let garbage = try await store.garbage(of: experiment.name)
        try await store.collected(garbage, of: experiment.name)
        return garbage
    }

    private mutating func change(_ experiment: inout Experiment, trained isOver: Bool) {
        switch isOver ? random.next() % 2 : random.next() % 11 {
        case 0: experiment.intervals += 1 + Int(random.next() % 3)
        case 1: experiment.population += 1 + Int(random.next() % 3)
        case 9: experiment.population = max(1, experiment.population - 2)
        case 2: experiment.intervals = max(1, experiment.intervals - 2)
        case 3: experiment.seed = random.next() >> 1
        case 4: experiment.space = space()
        case 5:
            let rules: [ExploitRule] = [
                .truncation(0.3), .binaryTournament, .tTest(window: 3, significance: 0.3), .best, .none,
                .multiFrequency(every: [1, 3]),
            ]
            experiment.exploit = rules[Int(random.next() % UInt64(rules.count))]
        case 6:
            let rules: [ExploreRule] = [
                .perturb(), .perturb(resampling: 0.5), .resample, .none, .ray(),
            ]
            experiment.explore = rules[Int(random.next() % UInt64(rules.count))]
        case 7: experiment.isSynchronous.toggle()
        case 8: experiment.decides = Experiment.Decides.allCases[Int(random.next() % 3)]
        default: experiment.retries = Int(random.next() % 3)
        }
    }

    /// Returns a space with ranges, choices, and hyperparameters that come and go.
    private mutating func space() -> SearchSpace {
        let low = random.unit() / 2
        var dimensions: [String: Dimension] = [
            "x": .uniform(low...(low + 0.5)), "n": .integer(1...(2 + Int(random.next() % 20))),
            "name": .choice(random.next() % 2 == 0 ? ["a", "b", "c"] : ["b", "d"], ordered: random.next() % 2 == 0),
        ]
        if random.next() % 2 == 0 { dimensions["new"] = .logUniform(1e-3...1) }
        if random.next() % 2 == 0 { dimensions["fixed"] = .constant(.integer(Int(random.next() % 3))) }
        if random.next() % 3 == 0 { dimensions["n"] = nil }
        return SearchSpace(dimensions)
    }
}

extension Xoshiro256 {
    /// Returns a number from 0 to 1, exclusive.
    fileprivate mutating func unit() -> Double {
        Double(next() >> 11) * 0x1p-53
    }
}
