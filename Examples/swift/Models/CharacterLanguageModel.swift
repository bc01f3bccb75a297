// SPDX-License-Identifier: Apache-2.0

public import PBT
public import PBTWorker
public import SystemPackage

/// A language model of characters that learns from a text of 35 kB, judged by the bits it needs for each character.
///
/// The search space is the learning rate, the momentum, and the dropout.
public struct CharacterLanguageModel: Workload {
    private let text: CharacterText
    private let model: CharacterModel
    private let batch = 32
    private let steps: Int

    /// The workload on the text in a directory.
    ///
    /// - Parameters:
    ///   - data: The directory with `gpl-3.txt`.
    ///   - steps: How many steps of 32 samples an interval has.
    /// - Throws: A `PBTError` when the file cannot be read.
    public init(data: FilePath = exampleData, steps: Int = 40) throws {
        text = try CharacterText(data.appending("gpl-3.txt"), context: 8)
        model = CharacterModel(alphabet: text.alphabet.count, context: 8, width: 12, hidden: 96)
        self.steps = steps
    }

    /// 8 members of 20 intervals, 40 steps each.
    public func experiment(seed: UInt64, isShort: Bool) -> Experiment {
        Experiment(
            "charlm", objective: .minimize("bits"), population: isShort ? 4 : 8, intervals: isShort ? 5 : 20,
            seed: seed,
            space: [
                "learning_rate": .logUniform(1e-4...3),
                "momentum": .uniform(0...0.99),
                "dropout": .uniform(0...0.5),
            ],
            isSynchronous: true)
    }

    /// Draws the initial weights.
    public func start(_ context: TrainingContext) -> Learner {
        var random = context.random("weights")
        return Learner(weights: model.initialWeights(&random))
    }

    /// Reads weights and velocity.
    ///
    /// - Throws: A `PBTError` when the checkpoint is none of this model's.
    public func restore(from checkpoint: FilePath, _ context: TrainingContext) throws -> Learner {
        try Learner(from: checkpoint, count: model.weightCount)
    }

    /// Trains on random places of the text's first part.
    ///
    /// - Throws: A `PBTError` when a hyperparameter is missing, and `CancellationError`.
    public func train(_ learner: inout Learner, _ context: TrainingContext) throws {
        let rate = Float(try context.hyperparameters.double("learning_rate"))
        let momentum = Float(try context.hyperparameters.double("momentum"))
        let dropout = Float(try context.hyperparameters.double("dropout"))
        var random = context.random("samples")
        for _ in 0..<steps {
            try Task.checkCancellation()
            let places = (0..<batch).map { _ in text.training.lowerBound + random.index(below: text.training.count) }
            let (loss, gradient) = model.gradient(
                of: learner.weights, in: text.symbols, at: places, dropout: dropout, &random)
            // It has diverged; what is measured then says so.
            guard loss.isFinite else { return }
            learner.step(against: gradient, rate: rate, momentum: momentum)
        }
    }

    /// The bits a character on the text's second part.
    public func evaluate(_ learner: Learner, _ context: TrainingContext) -> [String: Value] {
        bits(learner, at: text.validation)
    }

    /// Saves weights and velocity.
    ///
    /// - Throws: What writing throws.
    public func save(_ learner: Learner, to directory: FilePath, _ context: TrainingContext) throws {
        try learner.save(to: directory)
    }

    /// The bits a character on the text's last part.
    ///
    /// - Throws: A `PBTError` when the checkpoint is none of this model's.
    public func test(_ checkpoint: FilePath) throws -> [String: Value] {
        bits(try Learner(from: checkpoint, count: model.weightCount), at: text.test)
    }

    /// Fewer bits are better.
    public var testObjectives: [Objective] { [.minimize("bits")] }

    private func bits(_ learner: Learner, at places: Range<Int>) -> [String: Value] {
        let nats = model.loss(of: learner.weights, in: text.symbols, at: places)
        return ["bits": .number(nats / 0.6931471805599453)]
    }
}
