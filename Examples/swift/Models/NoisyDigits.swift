// SPDX-License-Identifier: Apache-2.0

public import PBT
public import PBTWorker
public import SystemPackage

/// Handwritten digits of 8×8 pixels with 30 % of the training labels replaced by random ones, and a network that can
/// memorize the wrong labels.
///
/// A constant high learning rate never fits well, a constant low one is slow, and too much training with a high one fits
/// the noise.
public struct NoisyDigits: Workload {
    private let digits: Digits
    private let network = Perceptron(inputs: Digits.points, hidden: 64, outputs: Digits.classes)
    private let batch = 16
    private let samplesAnInterval: Int

    /// The workload on the digits in a directory.
    ///
    /// - Parameters:
    ///   - data: The directory with `digits.bin`.
    ///   - samplesAnInterval: How many samples an interval trains on.
    /// - Throws: A `PBTError` when the file cannot be read or is not what it should be.
    public init(data: FilePath = exampleData, samplesAnInterval: Int = 500) throws {
        digits = try Digits(data.appending("digits.bin"))
        self.samplesAnInterval = samplesAnInterval
    }

    /// 16 members of 40 intervals, 500 samples each; judged by the cross-entropy on clean validation digits.
    public func experiment(seed: UInt64, isShort: Bool) -> Experiment {
        Experiment(
            "digits", objective: .minimize("loss"), population: isShort ? 6 : 16, intervals: isShort ? 6 : 40,
            seed: seed, space: ["learning_rate": .logUniform(1e-4...1), "momentum": .uniform(0.1...0.99)],
            isSynchronous: true)
    }

    /// Draws the initial weights.
    public func start(_ context: TrainingContext) -> Learner {
        var random = context.random("weights")
        return Learner(weights: network.initialWeights(&random))
    }

    /// Reads weights and velocity.
    ///
    /// - Throws: A `PBTError` when the checkpoint is none of this network's.
    public func restore(from checkpoint: FilePath, _ context: TrainingContext) throws -> Learner {
        try Learner(from: checkpoint, count: network.weightCount)
    }

    /// Trains on samples drawn without repetition.
    ///
    /// - Throws: A `PBTError` when a hyperparameter is missing, and `CancellationError`.
    public func train(_ learner: inout Learner, _ context: TrainingContext) throws {
        let rate = Float(try context.hyperparameters.double("learning_rate"))
        let momentum = Float(try context.hyperparameters.double("momentum"))
        var random = context.random("samples")
        var order = Array(digits.training)
        let count = min(samplesAnInterval, order.count)
        for i in 0..<count { order.swapAt(i, i + random.index(below: order.count - i)) }
        for start in stride(from: 0, to: count, by: batch) {
            try Task.checkCancellation()
            let (loss, gradient) = gradient(of: learner, over: order[start..<min(start + batch, count)])
            // It has diverged; what is measured then says so.
            guard loss.isFinite else { return }
            learner.step(against: gradient, rate: rate, momentum: momentum)
        }
    }

    /// Cross-entropy in nats and share of right answers on the validation digits.
    public func evaluate(_ learner: Learner, _ context: TrainingContext) -> [String: Value] {
        measure(learner, on: digits.validation)
    }

    /// Saves weights and velocity.
    ///
    /// - Throws: What writing throws.
    public func save(_ learner: Learner, to directory: FilePath, _ context: TrainingContext) throws {
        try learner.save(to: directory)
    }

    /// Cross-entropy and share of right answers on the test digits.
    ///
    /// - Throws: A `PBTError` when the checkpoint is none of this network's.
    public func test(_ checkpoint: FilePath) throws -> [String: Value] {
        measure(try Learner(from: checkpoint, count: network.weightCount), on: digits.test)
    }

    /// Less cross-entropy and more right answers are better.
    public var testObjectives: [Objective] { [.minimize("loss"), .maximize("accuracy")] }

    /// The mean loss over samples, and its gradient.
    func gradient(of learner: Learner, over samples: some Collection<Int>) -> (loss: Double, gradient: [Float]) {
        var loss = 0.0
        var gradient = [Float](repeating: 0, count: network.weightCount)
        gradient.withUnsafeMutableBufferPointer { gradient in
            learner.weights.withUnsafeBufferPointer { weights in
                network.withPass(weights, gradient) { pass in
                    digits.withImages { images in
                        for sample in samples {
                            loss += pass.learn(images(sample), label: digits.noisyLabels[sample])
                        }
                    }
                }
            }
            for i in gradient.indices { gradient[i] /= Float(samples.count) }
        }
        return (loss / Double(samples.count), gradient)
    }

    private func measure(_ learner: Learner, on samples: Range<Int>) -> [String: Value] {
        var loss = 0.0
        var right = 0
        learner.weights.withUnsafeBufferPointer { weights in
            network.withPass(weights, Writing(start: nil, count: 0)) { pass in
                digits.withImages { images in
                    for sample in samples {
                        loss += pass.loss(of: images(sample), label: digits.labels[sample])
                        right += pass.guess == digits.labels[sample] ? 1 : 0
                    }
                }
            }
        }
        return [
            "loss": .number(loss / Double(samples.count)),
            "accuracy": .number(Double(right) / Double(samples.count)),
        ]
    }
}
