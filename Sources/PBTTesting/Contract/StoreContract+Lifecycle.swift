// SPDX-License-Identifier: Apache-2.0

import PBT

extension StoreContract {
    /// Experiments: created, edited, paused, resumed, stopped, and removed.
    static let lifecycleCases: [Case] = [
        Case("creating makes the founders that the experiment says") { test in
            let store = try await test.open()
            let experiment = StoreUnderTest.experiment()
            let record = try await store.create(experiment)
            try expectEqual(record.state, .running)
            let again = try await store.record(of: "e")
            try expectEqual(again.experiment, experiment)
            try expectEqual(again.counts[.waiting], 4)
            let intervals = try await store.intervals(of: "e")
            try expectEqual(intervals.map(\.id), (0..<4).map { IntervalID(member: $0, index: 0) })
            try expectEqual(intervals.map(\.hyperparameters), (0..<4).map { experiment.founder($0) })
            try expect(intervals.allSatisfy { $0.parent == nil && $0.state == .waiting && $0.depth == 1 })
        },
        Case("a second experiment of the same name is refused") { test in
            let store = try await test.open()
            _ = try await store.create(StoreUnderTest.experiment())
            try await expectError(.alreadyExists, mentions: "pbt rm e") {
                _ = try await store.create(StoreUnderTest.experiment(seed: 8))
            }
        },
        Case("an unknown name is answered with the nearest") { test in
            let store = try await test.open()
            try await expectError(.noSuchExperiment, mentions: "none yet") { _ = try await store.record(of: "x") }
            _ = try await store.create(StoreUnderTest.experiment("digits"))
            try await expectError(.noSuchExperiment, mentions: "did you mean \"digits\"?") {
                _ = try await store.record(of: "digit")
            }
            try await expectError(.noSuchInterval) {
                _ = try await store.interval(IntervalID(member: 9, index: 0), of: "digits")
            }
        },
        Case("every definition survives being stored") { test in
            let store = try await test.open()
            var experiment = StoreUnderTest.experiment("ü \"x\" <b>")
            experiment.trainer = Experiment.Trainer(
                command: ["a", "{x}"], directory: "/tmp", gpus: ["0"], timeout: .seconds(5))
            experiment.initial = [["x": 0.5]]
            experiment.isSynchronous = true
            experiment.deadline = .seconds(90)
            experiment.stop = Experiment.Stop(target: 0.5, after: .seconds(60))
            experiment.exploit = .tTest(window: 3, significance: 0.1)
            experiment.explore = .perturb(from: 0.5, to: 2, resampling: 0.25)
            _ = try await store.create(experiment)
            try expectEqual(try await store.record(of: experiment.name).experiment, experiment)
            try expectEqual(try await test.open().experiments().map(\.experiment), [experiment])
            let free = Experiment(
                "free", objective: .minimize("loss"), population: 3, intervals: 2,
                space: [
                    "any name/ü": .free(.logUniform(1e-3...1)).explored(by: .perturb(from: 0.5, to: 2)),
                    "": .free(), "args": .free(.choice([1, "a"], weights: [2, 1])),
                ], explore: .none, decides: .late, isOpen: true)
            _ = try await store.create(free)
            try expectEqual(try await test.open().record(of: "free").experiment, free)
        },
        Case("an edit changes trainer, retries, stop and keep, and nothing else") { test in
            let store = try await test.open()
            var experiment = StoreUnderTest.experiment()
            _ = try await store.create(experiment)
            experiment.retries = 5
            experiment.keep = Experiment.Keep(best: 2, last: 3)
            try await store.edit(experiment)
            try expectEqual(try await test.open().record(of: "e").experiment, experiment)
            experiment.population = 5
            experiment.seed = 1
            try await expectError(.alreadyExists, mentions: "population: 4") { try await store.edit(experiment) }
        },
        Case("a strategy in Swift that the store lacks is refused, by name") { test in
            let store = try await test.open()
            try await expectError(.noSuchStrategy, mentions: "\"mine\"") {
                _ = try await store.create(StoreUnderTest.experiment(exploit: .custom("mine")))
            }
            try expectEqual(try await store.experiments().count, 0)
        },
        Case("a paused experiment gives out no intervals, and running ones may finish") { test in
            let store = try await test.open()
            _ = try await store.create(StoreUnderTest.experiment())
            let running = try await store.take()
            try await store.pause("e")
            try expectEqual(try await store.claim(from: "e", by: "w", for: .seconds(1)), .nothingNow)
            try await store.finish(running, score: 1)
            try expectEqual(try await store.record(of: "e").state, .paused)
            try await store.resume("e")
            _ = try await store.take()
        },
        Case("a stopped experiment has ended permanently") { test in
            let store = try await test.open()
            _ = try await store.create(StoreUnderTest.experiment())
            let running = try await store.take()
            try await store.stop("e", because: "enough")
            let record = try await store.record(of: "e")
            try expectEqual(record.state, .finished)
            try expectEqual(record.reason, "enough")
            try expectEqual(record.counts[.running], 0)
            try await expectError(.leaseLost) { try await store.finish(running, score: 1) }
            try await expectError(.wrongState) { try await store.resume("e") }
            try await expectError(.wrongState) { try await store.pause("e") }
        },
        Case("an experiment is removed with all that is known of it, but not while it is trained") { test in
            let store = try await test.open()
            _ = try await store.create(StoreUnderTest.experiment())
            _ = try await store.create(StoreUnderTest.experiment("other"))
            let running = try await store.take()
            try await expectError(.wrongState, mentions: "pbt stop e") { try await store.remove("e") }
            try await store.release(running.lease, because: "")
            try await store.remove("e")
            try await expectError(.noSuchExperiment) { _ = try await store.record(of: "e") }
            try expectEqual(try await store.events(of: nil, after: nil, limit: 99).map(\.experiment), ["other"])
            _ = try await store.create(StoreUnderTest.experiment())
            try expectEqual(try await store.intervals(of: "e").count, 4)
        },
        Case("hyperparameters queued by hand go to founders that have not started") { test in
            let store = try await test.open()
            let experiment = StoreUnderTest.experiment(population: 2)
            _ = try await store.create(experiment)
            let pushed = try await store.push(["x": 1], to: "e")
            try expectEqual(pushed.hyperparameters["x"], 1.0)
            try expectEqual(pushed.hyperparameters["n"], experiment.founder(pushed.id.member)["n"])
            try expectEqual(try await store.interval(pushed.id, of: "e").hyperparameters, pushed.hyperparameters)
            let other = try await store.push(["n": 3], to: "e")
            try expect(other.id != pushed.id)
            try await expectError(.wrongState, mentions: "initial") { _ = try await store.push(["n": 3], to: "e") }
            try await expectError(.badValue, mentions: "between 0.0 and 1.0") {
                _ = try await store.push(["x": 2], to: "e")
            }
            try await expectError(.badValue, mentions: "did you mean \"name\"?") {
                _ = try await store.push(["nane": "a"], to: "e")
            }
        },
        Case("a manual search trains what is queued, and waits for more") { test in
            let store = try await test.open()
            var experiment = StoreUnderTest.experiment(kind: .manual, population: 0, intervals: 2)
            experiment.exploit = .none
            experiment.explore = .none
            _ = try await store.create(experiment)
            try expectEqual(try await store.claim(from: "e", by: "w", for: .seconds(1)), .nothingNow)
            for x in [0.5, 0.25] { _ = try await store.push(["x": .number(x), "n": 1, "name": "a"], to: "e") }
            for _ in 0..<4 { try await store.finish(try await store.take(), score: 1) }
            try expectEqual(try await store.openIntervals(of: "e"), 0)
            try expectEqual(try await store.record(of: "e").state, .running)
            try expectEqual(try await store.intervals(of: "e").map { $0.hyperparameters["x"] }, [0.5, 0.5, 0.25, 0.25])
        },
    ]
}
