// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTCheckpoints
import PBTTesting
import SystemPackage
import TestSupport
import Testing

@testable import PBTWorker

/// Climbs towards 1.2 by a rate; saves its place as text.
struct Climber: Trainer {
    var failure: (@Sendable (TrainingContext) throws -> Void)?

    func start(_ context: TrainingContext) async throws -> Double { 0.9 }

    func restore(from checkpoint: FilePath, _ context: TrainingContext) async throws -> Double {
        let text = try checkpoint.appending("theta").text() ?? "missing"
        guard let theta = Double(text) else { throw PBTError(.badValue, "the checkpoint holds \(text)") }
        return theta
    }

    func train(_ theta: inout Double, _ context: TrainingContext) async throws {
        try failure?(context)
        theta *= 1 - 0.1 * (try context.hyperparameters.double("rate"))
    }

    func evaluate(_ theta: Double, _ context: TrainingContext) async throws -> [String: Value] {
        ["score": .number(1.2 - theta * theta)]
    }

    func save(_ theta: Double, to directory: FilePath, _ context: TrainingContext) async throws {
        try directory.appending("theta").write("\(theta)")
    }
}

@Suite(.timeLimit(.minutes(10))) struct `Training in Swift` {
    let store = InMemoryStore()
    func experiment(population: Int = 4, intervals: Int = 5, retries: Int = 0) -> Experiment {
        Experiment(
            "toy", objective: .maximize("score"), population: population, intervals: intervals, seed: 3,
            space: ["rate": .uniform(0...1)], retries: retries)
    }

    @Test func `runs to the end and returns the best interval with its checkpoint`() async throws {
        try await withData { data in
            let trained = try await train(experiment(), with: Climber(), workers: 2, store: store, data: data)
            #expect(trained.record.state == .finished)
            let best = try #require(trained.best)
            let checkpoint = try #require(trained.checkpoint)
            let text = try #require(try checkpoint.appending("theta").text())
            let theta = try #require(Double(text))
            #expect(best.score == 1.2 - theta * theta)
            try await expectComplete(experiment(), store, data)
        }
    }

    @Test func `yields the events of the run, then ends`() async throws {
        try await withData { data in
            let (trained, kinds) = try await train(
                experiment(population: 2, intervals: 2), with: Climber(), workers: 1, store: store, data: data
            ) { events in
                var kinds: [Event.Kind] = []
                for try await event in events { kinds.append(event.kind) }
                return kinds
            }
            #expect(
                kinds == [
                    .created, .started, .done, .started, .done, .generation, .started, .done, .started, .done, .ended,
                ])
            #expect(trained.record.intervalsFinished == 4)
        }
    }

    @Test func `goes on to the end when nobody observes any more`() async throws {
        try await withData { data in
            let (trained, first) = try await train(
                experiment(), with: Climber(), workers: 1, store: store, data: data
            ) { events -> Event.Kind? in
                for try await event in events { return event.kind }
                return nil
            }
            #expect(first == .created)
            #expect(trained.record.state == .finished)
        }
    }

    @Test func `stops when the observer throws, and takes up the run later`() async throws {
        struct Enough: Error {}
        try await withData { data in
            await #expect(throws: Enough.self) {
                try await train(
                    experiment(intervals: 40), with: Climber(), workers: 2, store: store, data: data
                ) { events in
                    for try await event in events where event.kind == .done { throw Enough() }
                }
            }
            let record = try await store.record(of: "toy")
            #expect(record.state == .running)
            #expect(record.counts[.running] == 0)
            #expect(try data.attempts(of: "toy").names() == [])
            let trained = try await train(
                experiment(intervals: 40), with: Climber(), workers: 2, store: store, data: data)
            #expect(trained.record.counts[.done] == 160)
            let reasons = try await store.intervals(of: "toy").compactMap(\.reason)
            #expect(reasons == [])
        }
    }

    @Test func `fails an interval with the text of what its trainer throws`() async throws {
        try await withData { data in
            let trainer = Climber(failure: { _ in throw PBTError(.badValue, "the batch is empty") })
            let trained = try await train(experiment(), with: trainer, workers: 1, store: store, data: data)
            #expect(trained.record.state == .failed)
            #expect(trained.best == nil)
            #expect(try await store.interval(IntervalID(member: 0, index: 0), of: "toy").reason == "the batch is empty")
        }
    }

    @Test func `counts no failure for an interruption`() async throws {
        try await withData { data in
            let trainer = Climber(failure: { if $0.attempt < 2 { throw Interruption("spot instance") } })
            _ = try await store.create(experiment(population: 1, intervals: 1))
            try await Worker(
                store: store, data: data, executor: TrainerExecutor(trainer), configuration: .toy(),
                clock: RecordingClock()
            ).run()
            let interval = try await store.interval(IntervalID(member: 0, index: 0), of: "toy")
            #expect(interval.state == .done)
            #expect(interval.failures == 0)
            #expect(interval.attempts == 2)
            let released = try await store.events(of: "toy", after: nil, limit: 10).filter { $0.kind == .released }
            #expect(released.map { $0.details["reason"] } == ["spot instance"])
        }
    }

    @Test func `trains a baseline beside it`() async throws {
        try await withData { data in
            var both = experiment(population: 2, intervals: 3)
            both.hasBaseline = true
            _ = try await train(both, with: Climber(), workers: 2, store: store, data: data)
            for record in try await store.experiments() {
                #expect(record.state == .finished)
                #expect(record.counts[.done] == 6)
            }
            #expect(try await store.experiments().map(\.experiment.name) == ["toy", "toy.random_search"])
        }
    }

    @Test func `refuses to take up an experiment with another definition`() async throws {
        try await withData { data in
            _ = try await store.create(experiment())
            let error = await #expect(throws: PBTError.self) {
                try await train(experiment(population: 5), with: Climber(), workers: 1, store: store, data: data)
            }
            #expect(error?.code == .alreadyExists)
        }
    }
}

extension `Training in Swift` {
    @Test func `knows the seed of a member, and the one that members share`() {
        let experiment = Experiment.shell("true", population: 2, intervals: 2)
        var assignment = experiment.assignment()
        assignment.interval.id = IntervalID(member: 1, index: 1)
        let context = TrainingContext(assignment)
        #expect(context.seed == experiment.trainerSeed(for: IntervalID(member: 1, index: 1)))
        #expect(context.intervalSeed == experiment.intervalSeed(at: 1))
        assignment.interval.id.member = 0
        #expect(TrainingContext(assignment).intervalSeed == context.intervalSeed)
        #expect(TrainingContext(assignment).seed != context.seed)
    }

    @Test func `knows the depth of an interval, which is not its index and one`() {
        var assignment = Experiment.shell("true").assignment()
        #expect(TrainingContext(assignment).depth == 1)
        // A late member that continues one that has trained longer.
        assignment.interval.id.index = 2
        assignment.interval.depth = 7
        #expect(TrainingContext(assignment).depth == 7)
    }
}
