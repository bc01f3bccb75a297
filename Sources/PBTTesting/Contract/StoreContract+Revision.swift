// SPDX-License-Identifier: Apache-2.0

import PBT

extension StoreContract {
    static let revisionCases: [Case] = [
        Case("a finished experiment that gets more intervals continues, each member by the new definition") { test in
            let store = try await test.open()
            var experiment = StoreUnderTest.experiment(population: 4, intervals: 1, exploit: .none)
            _ = try await store.create(experiment)
            for score in [1.0, 2, 3, 4] { try await store.finish(try await store.take(), score: score) }
            try expectEqual(try await store.record(of: "e").state, .finished)
            experiment.intervals = 2
            experiment.exploit = .truncation(0.25)
            let revision = try await store.revise(experiment)
            try expectEqual(revision.number, 1)
            try expectEqual(revision.after, 4)
            let record = try await test.open().record(of: "e")
            try expectEqual(record.state, .running)
            try expectEqual(record.ended, nil)
            try expectEqual(record.counts[.waiting], 4)
            try expectEqual(record.membersEnded, 0)
            try expectEqual(record.intervalsPlanned, 8)
            let parents = try await store.intervals(of: "e").filter { $0.id.index == 1 }.map(\.parent?.member)
            try expectEqual(parents, [3, 1, 2, 3])
            for score in [5.0, 6, 7, 8] { try await store.finish(try await store.take(), score: score) }
            try expectEqual(try await store.record(of: "e").state, .finished)
            try await expectAudited(store)
        },
        Case("more members are founders drawn from the streams of the new definition") { test in
            let store = try await test.open()
            var experiment = StoreUnderTest.experiment(population: 2, intervals: 2)
            _ = try await store.create(experiment)
            let running = try await store.take()
            experiment.population = 4
            experiment.seed = 99
            try expectEqual(try await store.revise(experiment).number, 1)
            let intervals = try await store.intervals(of: "e")
            try expectEqual(intervals.map(\.id.member), [0, 1, 2, 3])
            try expectEqual(intervals[2].hyperparameters, experiment.founder(2))
            try await store.finish(running, score: 1)
            while case .assignment(let next) = try await store.claim(from: "e", by: "w", for: .seconds(60)) {
                try await store.finish(next, score: Double(next.interval.depth))
            }
            let record = try await store.record(of: "e")
            try expectEqual(record.state, .finished)
            try expectEqual(record.intervalsFinished, 8)
            try await expectAudited(store)
        },
        Case("with fewer members those of the highest numbers retire: no donors, no decisions, and they may come back")
        {
            test in
            let store = try await test.open()
            var experiment = StoreUnderTest.experiment(population: 4, intervals: 2, exploit: .truncation(0.5))
            _ = try await store.create(experiment)
            for score in [1.0, 2, 3, 4] { try await store.finish(try await store.take(), score: score) }
            experiment.population = 2
            _ = try await store.revise(experiment)
            // What they have already is trained.
            for _ in 0..<4 { try await store.finish(try await store.take(), score: 9) }
            let record = try await store.record(of: "e")
            try expectEqual(record.state, .finished)
            try expectEqual(record.membersEnded, 2)
            try expectEqual(record.intervalsPlanned, 8)
            experiment.intervals = 3
            _ = try await store.revise(experiment)
            try expectEqual(try await store.record(of: "e").counts[.waiting], 2)
            experiment.population = 5
            _ = try await store.revise(experiment)
            try expectEqual(try await store.record(of: "e").counts[.waiting], 5)
            while case .assignment(let next) = try await store.claim(from: "e", by: "w", for: .seconds(60)) {
                try await store.finish(next, score: 1)
            }
            try expectEqual(try await store.record(of: "e").intervalsFinished, 15)
            try await expectAudited(store)
        },
        Case("what is being trained finishes as it was handed out, and the next decision goes by the edit") { test in
            let store = try await test.open()
            var experiment = StoreUnderTest.experiment(population: 1, intervals: 3)
            _ = try await store.create(experiment)
            let running = try await store.take()
            experiment.intervals = 1
            _ = try await store.revise(experiment)
            try expectEqual(try await store.record(of: "e").state, .running)
            try await store.finish(running, score: 1)
            try expectEqual(try await store.record(of: "e").state, .finished)
            try expectEqual(try await store.record(of: "e").intervalsPlanned, 1)
            try await expectAudited(store)
        },
        Case("a value outside a narrowed range stays until explore, which brings it into the range") { test in
            let store = try await test.open()
            var experiment = StoreUnderTest.experiment(population: 2, intervals: 2, exploit: .truncation(0.5))
            experiment.explore = .none
            experiment.initial = [["x": 0.9, "name": "a"], ["x": 0.1, "name": "b"]]
            _ = try await store.create(experiment)
            try await store.finish(try await store.take(), score: 2)
            experiment.space = ["x": .uniform(0...0.5), "n": .integer(1...9), "name": .choice(["b", "c"])]
            experiment.initial = []
            _ = try await store.revise(experiment)
            let own = try await store.interval(IntervalID(member: 0, index: 1), of: "e")
            try expectEqual(own.hyperparameters["x"], 0.9)
            while case .assignment(let next) = try await store.claim(from: "e", by: "w", for: .seconds(60)) {
                try await store.finish(next, score: 1)
            }
            let child = try await store.interval(IntervalID(member: 1, index: 1), of: "e")
            try expectEqual(child.parent, IntervalID(member: 0, index: 0))
            try expectEqual(child.hyperparameters["x"], 0.5)
            try expect(["b", "c"].contains(child.hyperparameters["name"]), "\(child.hyperparameters)")
            try expectEqual(child.changes.first { $0.name == "x" }?.operation, "clipped")
            try await expectAudited(store)
        },
        Case("a hyperparameter that is added is drawn at the next decision, and one that is gone is dropped") { test in
            let store = try await test.open()
            var experiment = StoreUnderTest.experiment(population: 1, intervals: 2)
            _ = try await store.create(experiment)
            let running = try await store.take()
            experiment.space = ["x": .uniform(0...1), "y": .uniform(5...6), "z": .constant(3)]
            _ = try await store.revise(experiment)
            try await store.finish(running, score: 1)
            let next = try await store.interval(IntervalID(member: 0, index: 1), of: "e")
            try expectEqual(next.hyperparameters.names, ["x", "y", "z"])
            try expectEqual(next.hyperparameters["x"], running.interval.hyperparameters["x"])
            try expectEqual(next.changes.map(\.operation), ["dropped", "dropped", "added", "added"])
            try expectEqual(next.parent, running.interval.id)
            try await store.finish(try await store.take(), score: 2)
            try await expectAudited(store)
        },
        Case("revisions tell every definition and when it took effect; the event has old and new values") { test in
            let store = try await test.open()
            var experiment = StoreUnderTest.experiment(population: 2, intervals: 3)
            _ = try await store.create(experiment)
            try expectEqual(try await store.revisions(of: "e").map(\.experiment), [experiment])
            let first = experiment
            try await store.finish(try await store.take(), score: 1)
            test.clock.advance(by: .seconds(5))
            experiment.intervals = 6
            _ = try await store.revise(experiment)
            let again = try await store.revise(experiment)
            try expectEqual(again.number, 1)
            let second = experiment
            experiment.retries = 4
            try await store.edit(experiment)
            let revisions = try await test.open().revisions(of: "e")
            try expectEqual(revisions.map(\.number), [0, 1, 2])
            try expectEqual(revisions.map(\.experiment), [first, second, experiment])
            try expectEqual(revisions.map(\.after), [0, 1, 1])
            try expectEqual(revisions[1].time, test.clock.now)
            let edits = try await store.events(of: "e", after: nil, limit: 100).filter { $0.kind == .edited }
            try expectEqual(edits.count, 2)
            try expectEqual(edits[0].details["revision"], 1)
            try expectEqual(edits[0].details["changes"], [["key": "intervals", "old": 3, "new": 6]])
        },
        Case("what cannot change is refused with the old and the new value, and nothing is written") { test in
            let store = try await test.open()
            let experiment = StoreUnderTest.experiment(population: 4, intervals: 3)
            _ = try await store.create(experiment)
            var edited = experiment
            edited.intervals = 5
            edited.objective = .minimize("loss")
            try await expectError(.wrongState, mentions: "loss") { _ = try await store.revise(edited) }
            edited = experiment
            edited.kind = .randomSearch
            edited.exploit = .none
            edited.explore = .none
            try await expectError(.wrongState, mentions: "kind: pbt → random_search") {
                _ = try await store.revise(edited)
            }
            edited.name = "none"
            try await expectError(.noSuchExperiment) { _ = try await store.revise(edited) }
            edited = experiment
            edited.exploit = .custom("mine")
            try await expectError(.noSuchStrategy) { _ = try await store.revise(edited) }
            try expectEqual(try await store.record(of: "e").experiment, experiment)
            try expectEqual(try await store.revisions(of: "e").count, 1)
        },
        Case("an edit of a stopped or failed experiment lets it continue; a paused one stays paused") { test in
            let store = try await test.open()
            var experiment = StoreUnderTest.experiment(population: 2, intervals: 2, retries: 0)
            _ = try await store.create(experiment)
            try await store.stop("e", because: "enough")
            experiment.keep.best = 2
            _ = try await store.revise(experiment)
            try expectEqual(try await store.record(of: "e").state, .finished)
            experiment.intervals = 3
            _ = try await store.revise(experiment)
            try expectEqual(try await store.record(of: "e").state, .running)
            try await store.pause("e")
            experiment.intervals = 4
            _ = try await store.revise(experiment)
            try expectEqual(try await store.record(of: "e").state, .paused)
            try await store.resume("e")
            while case .assignment(let next) = try await store.claim(from: "e", by: "w", for: .seconds(60)) {
                _ = try await store.finish(next.lease, .failed(reason: "trouble"))
            }
            try expectEqual(try await store.record(of: "e").state, .failed)
            experiment.exploit = .none
            experiment.intervals = 5
            _ = try await store.revise(experiment)
            experiment.exploit = .truncation()
            _ = try await store.revise(experiment)
            try expectEqual(try await store.record(of: "e").state, .running)
            try await expectAudited(store)
        },
        Case("a target that is reached already ends it, and a farther one lets it continue") { test in
            let store = try await test.open()
            var experiment = StoreUnderTest.experiment(population: 2, intervals: 3)
            _ = try await store.create(experiment)
            try await store.finish(try await store.take(), score: 5)
            experiment.stop.target = 4
            _ = try await store.revise(experiment)
            try expectEqual(try await store.record(of: "e").state, .finished)
            experiment.stop.target = 6
            _ = try await store.revise(experiment)
            try expectEqual(try await store.record(of: "e").state, .running)
            try await expectAudited(store)
        },
        Case("members that waited for their generation or a late decision are decided about when an edit asks") {
            test in
            for (isSynchronous, decides) in [(true, Experiment.Decides.early), (false, .late)] {
                let store = try await test.open()
                let name = decides.rawValue
                var experiment = StoreUnderTest.experiment(name, population: 2, intervals: 2)
                experiment.isSynchronous = isSynchronous
                experiment.decides = decides
                _ = try await store.create(experiment)
                try await store.finish(try await store.take(name), score: 5)
                try expectEqual(try await store.intervals(of: name).count, 2)
                experiment.isSynchronous = false
                experiment.decides = .early
                _ = try await store.revise(experiment)
                try expectEqual(try await store.intervals(of: name).count, 3)
                while case .assignment(let next) = try await store.claim(from: name, by: "w", for: .seconds(60)) {
                    try await store.finish(next, score: 1)
                }
                try expectEqual(try await store.record(of: name).state, .finished)
                try await expectAudited(store, name)
            }
        },
        Case("after random edits at random moments every decision is derived again, by its own revision") { test in
            for seed in 0..<UInt64(12) {
                let store = try await test.open()
                let name = "edits\(seed)"
                let experiment = StoreUnderTest.experiment(
                    name, population: 5, intervals: 4, exploit: .truncation(0.4), seed: seed)
                _ = try await store.create(experiment)
                var simulation = ContractSimulation(
                    store: store, other: try await test.open(), experiment: experiment, clock: test.clock, seed: seed,
                    troubles: seed % 2 == 1)
                simulation.edits = 10
                try await simulation.run(workers: 3)
            }
        },
    ]

    /// Checks that every founder and decision is derived from the rows again.
    static func expectAudited(
        _ store: any Store, _ name: String = "e", file: StaticString = #fileID, line: Int = #line
    ) async throws {
        let audit = try await Audit(revisions: store.revisions(of: name), intervals: store.intervals(of: name))
        try expectEqual(audit.mismatches, [], file: file, line: line)
    }
}
