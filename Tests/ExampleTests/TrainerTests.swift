// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTTesting
import PBTWorker
import SystemPackage
import Testing

@testable import ExampleModels

/// What every trainer owes to a search, for each of the three.
@Suite(.timeLimit(.minutes(10))) struct `Every example trainer` {
    @Test func `goes on from a checkpoint as if it had never stopped`() async throws {
        try await expectSameContinuation(try CharacterLanguageModel(steps: 3), charactersHyperparameters)
        try await expectSameContinuation(try NoisyDigits(samplesAnInterval: 64), digitsHyperparameters)
        try await expectSameContinuation(NoisyQuadratic(), ["learning_rate": 0.1])
    }

    @Test func `draws what it draws from the context's seed alone`() async throws {
        try await expectDeterminism(try CharacterLanguageModel(steps: 2), charactersHyperparameters)
        try await expectDeterminism(try NoisyDigits(samplesAnInterval: 48), digitsHyperparameters)
        try await expectDeterminism(NoisyQuadratic(), ["learning_rate": 0.1])
    }

    @Test func `refuses a checkpoint of another size`() async throws {
        try await withTemporaryDirectory { directory in
            let digits = try NoisyDigits()
            try Learner(weights: [1, 2]).save(to: FilePath(directory))
            let message =
                "\(directory)/learner.f32 has 16 bytes, but a learner of 4810 weights has 38480; it is not one of ours"
            #expect(throws: PBTError(.badValue, message)) {
                try digits.restore(from: FilePath(directory), context(0, digitsHyperparameters))
            }
        }
    }

    @Test func `says which hyperparameter is missing`() async throws {
        let digits = try NoisyDigits()
        let context = context(0, ["momentum": 0.5])
        var model = digits.start(context)
        let message = "there is no hyperparameter \"learning_rate\"; there are \"momentum\""
        #expect(throws: PBTError(.badValue, message)) { try digits.train(&model, context) }
    }

    @Test func `stops soon when it is cancelled`() async throws {
        let digits = try NoisyDigits()
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            let context = context(0, digitsHyperparameters)
            var model = digits.start(context)
            try digits.train(&model, context)
        }
        await #expect(throws: CancellationError.self) { try await task.value }
    }

    @Test func `reports no number once its weights are none, so that the member counts as diverged`() throws {
        let digits = try NoisyDigits(samplesAnInterval: 32)
        let context = context(0, digitsHyperparameters)
        var model = digits.start(context)
        #expect(try #require(digits.evaluate(model, context)["loss"]?.double).isFinite)
        model.weights = model.weights.map { _ in .nan }
        try digits.train(&model, context)
        #expect(try #require(digits.evaluate(model, context)["loss"]?.double).isNaN)

        let characters = try CharacterLanguageModel(steps: 1)
        var other = characters.start(context)
        other.weights = other.weights.map { _ in .nan }
        try characters.train(&other, self.context(0, charactersHyperparameters))
        #expect(try #require(characters.evaluate(other, context)["bits"]?.double).isNaN)
    }

    // MARK: What the tests use

    private let charactersHyperparameters: Hyperparameters = ["learning_rate": 0.1, "momentum": 0.9, "dropout": 0.2]
    private let digitsHyperparameters: Hyperparameters = ["learning_rate": 0.03, "momentum": 0.9]

    private func context(_ interval: Int, _ hyperparameters: Hyperparameters, seed: Int = 11) -> TrainingContext {
        TrainingContext(
            experiment: "test", member: 0, interval: interval, attempt: 1, seed: seed + interval,
            hyperparameters: hyperparameters)
    }

    private func expectSameContinuation<Work: Workload>(_ work: Work, _ hyperparameters: Hyperparameters) async throws
    where Work.Model: Equatable {
        try await withTemporaryDirectory { directory in
            let (first, second) = (context(0, hyperparameters), context(1, hyperparameters))
            var model = try await work.start(first)
            try await work.train(&model, first)
            let checkpoint = FilePath(directory)
            try await work.save(model, to: checkpoint, first)
            var restored = try await work.restore(from: checkpoint, second)
            #expect(restored == model)
            try await work.train(&model, second)
            #expect(restored != model)
            try await work.train(&restored, second)
            #expect(restored == model)
        }
    }

    private func expectDeterminism<Work: Workload>(_ work: Work, _ hyperparameters: Hyperparameters) async throws
    where Work.Model: Equatable {
        func trained(seed: Int) async throws -> Work.Model {
            let context = context(0, hyperparameters, seed: seed)
            var model = try await work.start(context)
            try await work.train(&model, context)
            return model
        }
        let model = try await trained(seed: 5)
        let again = try await trained(seed: 5)
        let other = try await trained(seed: 6)
        #expect(model == again)
        #expect(model != other)
    }
}
