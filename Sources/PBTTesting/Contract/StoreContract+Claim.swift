// SPDX-License-Identifier: Apache-2.0

import PBT

extension StoreContract {
    static let experimentCases: [Case] = [
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
    ]

    static let claimCases: [Case] = [
        Case("the least trained member is claimed first, and never twice") { test in
            let store = try await test.open()
            _ = try await store.create(StoreUnderTest.experiment(exploit: .none))
            var claimed: [IntervalID] = []
            for _ in 0..<4 { claimed.append(try await store.take().interval.id) }
            try expectEqual(claimed, (0..<4).map { IntervalID(member: $0, index: 0) })
            try expectEqual(try await store.claim(from: "e", by: "w", for: .seconds(1)), .nothingNow)
        },
        Case("the one that fell behind comes before those ahead") { test in
            let store = try await test.open()
            _ = try await store.create(StoreUnderTest.experiment(population: 3, exploit: .none))
            let slow = try await store.take()
            for _ in 0..<4 { try await store.finish(try await store.take(), score: 1) }
            try await store.release(slow.lease, because: "test")
            try expectEqual(try await store.take().interval.id, slow.interval.id)
        },
        Case("an assignment carries what is needed to train") { test in
            let store = try await test.open()
            let experiment = StoreUnderTest.experiment(population: 1, exploit: .none)
            _ = try await store.create(experiment)
            let first = try await store.take(by: "me")
            try expectEqual(first.parentCheckpoint, nil)
            try expectEqual(first.lease.attempt, 1)
            try expectEqual(first.lease.worker, "me")
            try expectEqual(first.seed, experiment.trainerSeed(for: first.interval.id))
            try await store.finish(first, score: 0.5)
            let second = try await store.take()
            try expectEqual(second.parentCheckpoint, "m0000-i0000-a1")
            try expectEqual(second.interval.parent, first.interval.id)
            try expectEqual(second.interval.depth, 2)
        },
        Case("many that claim at once through several handles get different intervals") { test in
            let handles = [try await test.open(), try await test.open(), try await test.open()]
            _ = try await handles[0].create(StoreUnderTest.experiment(population: 60, exploit: .none))
            let claimed = try await withThrowingTaskGroup(of: [IntervalID].self) { group in
                for i in 0..<12 {
                    group.addTask {
                        var mine: [IntervalID] = []
                        while case .assignment(let assignment) = try await handles[i % 3].claim(
                            from: "e", by: "w\(i)", for: .seconds(60))
                        {
                            mine.append(assignment.interval.id)
                        }
                        return mine
                    }
                }
                return try await group.reduce(into: []) { $0 += $1 }
            }
            try expectEqual(claimed.count, 60)
            try expectEqual(Set(claimed).count, 60)
        },
        Case("several intervals are claimed at once, as many as there are") { test in
            let store = try await test.open()
            _ = try await store.create(StoreUnderTest.experiment(exploit: .none))
            let first = try await store.claim(3, from: "e", by: "w", for: .seconds(60), key: nil)
            try expectEqual(first.assignments.map(\.interval.id.member), [0, 1, 2])
            try expectEqual(first.record.counts[.running], 3)
            let rest = try await test.open().claim(3, from: "e", by: "w", for: .seconds(60), key: nil)
            try expectEqual(rest.assignments.map(\.interval.id.member), [3])
            try expectEqual(Set((first.assignments + rest.assignments).map(\.lease.token)).count, 4)
        },
        Case("a claim that is repeated with its key gets the same intervals, for as long as they are leased") { test in
            let store = try await test.open()
            _ = try await store.create(StoreUnderTest.experiment(exploit: .none))
            let key = "0123456789abcdefghijkl"
            let first = try await store.claim(2, from: "e", by: "w", for: .seconds(60), key: key)
            test.clock.advance(by: .seconds(50))
            let again = try await test.open().claim(2, from: "e", by: "w", for: .seconds(60), key: key)
            try expectEqual(again.assignments.map(\.lease.token), first.assignments.map(\.lease.token))
            try expectEqual(again.assignments.map(\.interval.id), first.assignments.map(\.interval.id))
            try expectEqual(again.assignments.map(\.lease.attempt), [1, 1])
            test.clock.advance(by: .seconds(50))
            _ = try await store.renew(first.assignments[0].lease, for: .seconds(1))
            let another = try await store.claim(9, from: "e", by: "v", for: .seconds(60), key: key)
            try expectEqual(another.assignments.map(\.interval.id.member), [2, 3])
            let other = try await store.claim(
                1, from: "e", by: "w", for: .seconds(60), key: "another-key-just-as-random")
            try expectEqual(other.assignments, [])
        },
        Case("a finish that is repeated answers as it stands, and records nothing twice") { test in
            let store = try await test.open()
            _ = try await store.create(StoreUnderTest.experiment(population: 1, intervals: 2, retries: 1))
            let failing = try await store.take()
            for _ in 0..<2 {
                let finished = try await store.finish(failing.lease, .failed(reason: "oops"))
                try expectEqual(finished.interval.state, .waiting)
                try expectEqual(finished.interval.failures, 1)
            }
            let assignment = try await store.take()
            try await expectError(.leaseLost) { _ = try await store.finish(failing.lease, .failed(reason: "oops")) }
            try await store.finish(assignment, score: 1)
            let events = try await store.lastEvent()
            let again = try await test.open().finish(assignment, score: 5)
            try expectEqual(again.interval, try await store.interval(assignment.interval.id, of: "e"))
            try expectEqual(again.interval.score, 1)
            try expectEqual(again.decisions, [])
            try expectEqual(again.record.finishedIntervals, 1)
            try expectEqual(try await store.lastEvent(), events)
            // What was lost or given back is not finished by its old lease.
            let released = try await store.take()
            try await store.release(released.lease, because: "test")
            try await expectError(.leaseLost) { try await store.finish(released, score: 1) }
        },
        Case("metrics so far are seen while an interval is trained, and not by its next attempt") { test in
            let store = try await test.open()
            _ = try await store.create(StoreUnderTest.experiment(population: 1))
            let assignment = try await store.take()
            try await store.report(assignment.lease, ["loss": 0.5, "bad": .number(.nan), "notes": ["a", [:]]])
            let id = assignment.interval.id
            try expectEqual(
                try await test.open().interval(id, of: "e").metrics,
                ["loss": 0.5, "bad": .null, "notes": ["a", [:]]])
            try expectEqual(try await store.interval(id, of: "e").score, nil)
            var forged = assignment.lease
            forged.token = "0"
            let wrong = forged
            try await expectError(.leaseLost) { try await store.report(wrong, ["loss": 1]) }
            try await store.release(assignment.lease, because: "test")
            try expectEqual(try await store.take().interval.metrics, [:])
        },
        Case("of many calls at once, those that fail change nothing, and the others are whole") { test in
            let store = try await test.open()
            _ = try await store.create(StoreUnderTest.experiment(population: 40, intervals: 2, exploit: .none))
            let claims = try await store.claim(40, from: "e", by: "w", for: .seconds(60), key: nil)
            let refused = try await withThrowingTaskGroup(of: Bool.self) { group in
                for (i, assignment) in claims.assignments.enumerated() {
                    group.addTask {
                        var lease = assignment.lease
                        if i % 3 == 0 { lease.token = "0" }
                        let outcome = Outcome.trained(
                            score: Double(i), metrics: [:], checkpoint: "\(lease.checkpointName)")
                        do {
                            _ = try await store.finish(lease, outcome)
                            return false
                        } catch let error as PBTError where error.code == .leaseLost {
                            return true
                        }
                    }
                }
                return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            try expectEqual(refused, 14)
            let record = try await test.open().record(of: "e")
            try expectEqual(record.counts[.done], 26)
            try expectEqual(record.counts[.running], 14)
            try expectEqual(record.counts[.waiting], 26)
            try expectEqual(record.finishedIntervals, 26)
            let intervals = try await store.intervals(of: "e")
            try expectEqual(Set(intervals.compactMap(\.sequence)), Set(0..<26))
            try expectEqual(try Audit(experiment: record.experiment, intervals: intervals).mismatches, [])
        },
        Case("a write without the lease is refused and changes nothing") { test in
            let store = try await test.open()
            _ = try await store.create(StoreUnderTest.experiment(population: 1))
            let assignment = try await store.take()
            var forged = assignment.lease
            forged.token = "0"
            let before = try await store.interval(assignment.interval.id, of: "e")
            let outcome = Outcome.trained(score: 1, metrics: [:], checkpoint: "\(assignment.lease.checkpointName)")
            let wrong = forged
            try await expectError(.leaseLost) { _ = try await store.finish(wrong, outcome) }
            try await expectError(.leaseLost) { _ = try await store.renew(wrong, for: .seconds(9)) }
            try await expectError(.leaseLost) { try await store.release(wrong, because: "") }
            try expectEqual(try await store.interval(assignment.interval.id, of: "e"), before)
            try await store.finish(assignment, score: 1)
            try await expectError(.leaseLost, mentions: "done") {
                _ = try await store.renew(assignment.lease, for: .seconds(9))
            }
            try await expectError(.leaseLost, mentions: "done") { _ = try await store.finish(wrong, outcome) }
        },
        Case("a lease that runs out is taken over, and its late report refused") { test in
            let store = try await test.open()
            _ = try await store.create(StoreUnderTest.experiment(population: 1))
            let first = try await store.take(for: .seconds(10))
            test.clock.advance(by: .seconds(11))
            let second = try await store.take(by: "other", for: .seconds(10))
            try expectEqual(second.interval.id, first.interval.id)
            try expectEqual(second.lease.attempt, 2)
            try expectEqual(second.interval.failures, 1)
            try await expectError(.leaseLost) { try await store.finish(first, score: 1) }
            try await store.finish(second, score: 2)
            try expectEqual(try await store.interval(first.interval.id, of: "e").score, 2)
        },
        Case("a late report is taken while nobody else has the interval") { test in
            let store = try await test.open()
            _ = try await store.create(StoreUnderTest.experiment(population: 1))
            let assignment = try await store.take(for: .seconds(10))
            test.clock.advance(by: .seconds(1000))
            try expectEqual(try await store.finish(assignment, score: 1).interval.state, .done)
        },
        Case("a lease that is renewed lasts") { test in
            let store = try await test.open()
            _ = try await store.create(StoreUnderTest.experiment(population: 1))
            let assignment = try await store.take(for: .seconds(10))
            for _ in 0..<5 {
                test.clock.advance(by: .seconds(9))
                let renewed = try await store.renew(assignment.lease, for: .seconds(10))
                try expectEqual(renewed.expires, test.clock.now.advanced(by: .seconds(10)))
                try expectEqual(try await store.claim(from: "e", by: "x", for: .seconds(1)), .nothingNow)
            }
        },
        Case("an interval given back costs no retry, a lost one does, until they are spent") { test in
            let store = try await test.open()
            _ = try await store.create(StoreUnderTest.experiment(population: 2, retries: 1))
            try await store.finish(try await store.take(), score: 1)
            for _ in 0..<5 {
                try await store.release(try await store.take().lease, because: "interrupted")
            }
            let id = IntervalID(member: 1, index: 0)
            try expectEqual(try await store.interval(id, of: "e").failures, 0)
            for expected in [Interval.State.waiting, .failed] {
                let assignment = try await store.take(by: "dead")
                try expectEqual(assignment.interval.id, id)
                try expectEqual(try await store.abandon(worker: "dead", of: "e", because: "gone"), [id])
                try expectEqual(try await store.interval(id, of: "e").state, expected)
            }
            try expectEqual(try await store.abandon(worker: "dead", of: "e", because: "gone"), [])
        },
    ]
}
