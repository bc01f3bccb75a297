// SPDX-License-Identifier: Apache-2.0

import PBT
import SystemPackage

extension BenchTask {
    private static var data: FilePath {
        FilePath(#filePath).removingLastComponent().removingLastComponent().removingLastComponent()
            .removingLastComponent().removingLastComponent().appending("Examples/swift/Data")
    }

    private static func learner(_ weights: [Double]) -> Learner {
        var learner = Learner(weights: weights[..<(weights.count / 2)].map { Float($0) })
        learner.velocity = weights[(weights.count / 2)...].map { Float($0) }
        return learner
    }

    private static func numbers(_ learner: Learner) -> [Double] {
        (learner.weights + learner.velocity).map { Double($0) }
    }

    /// A network of 64 units on digits of which 30 % have wrong labels, 500 samples an interval; the score is the
    /// cross-entropy on clean validation digits, the regret that on test digits.
    static func digits(_ name: String) throws -> BenchTask {
        let digits = try Digits(data.appending("digits.bin"))
        let network = Perceptron(inputs: Digits.points, hidden: 64, outputs: Digits.classes)
        @Sendable func loss(_ learner: Learner, _ samples: Range<Int>) -> Double {
            var loss = 0.0
            learner.weights.withUnsafeBufferPointer { weights in
                network.withPass(weights, Writing(start: nil, count: 0)) { pass in
                    digits.withImages { images in
                        for sample in samples { loss += pass.loss(of: images(sample), label: digits.labels[sample]) }
                    }
                }
            }
            return loss / Double(samples.count)
        }
        return BenchTask(
            name: name, objective: .minimize("loss"),
            space: ["learning_rate": .logUniform(1e-4...1), "momentum": .uniform(0.1...0.99)], optimum: nil
        ) { seed in
            var random = RandomStream(seed: UInt64(seed), .trainer, member: 0, index: 0, name: "weights")
            return numbers(Learner(weights: network.initialWeights(&random)))
        } step: { weights, hyperparameters, seed in
            var learner = learner(weights)
            let rate = Float(try hyperparameters.double("learning_rate"))
            let momentum = Float(try hyperparameters.double("momentum"))
            var draws = Draws(seed, 2)
            for _ in 0..<32 {
                let batch = (0..<16).map { _ in digits.training.lowerBound + draws.index(below: digits.training.count) }
                let gradient = gradient(of: learner, network, digits, batch)
                guard gradient.allSatisfy(\.isFinite) else { break }
                learner.step(against: gradient, rate: rate, momentum: momentum)
            }
            weights = numbers(learner)
            return loss(learner, digits.validation)
        } regret: { weights, _ in
            loss(learner(weights), digits.test)
        }
    }

    private static func gradient(
        of learner: Learner, _ network: Perceptron, _ digits: Digits, _ batch: [Int]
    ) -> [Float] {
        var gradient = [Float](repeating: 0, count: network.weightCount)
        gradient.withUnsafeMutableBufferPointer { gradient in
            learner.weights.withUnsafeBufferPointer { weights in
                network.withPass(weights, gradient) { pass in
                    digits.withImages { images in
                        for sample in batch { _ = pass.learn(images(sample), label: digits.noisyLabels[sample]) }
                    }
                }
            }
            for i in gradient.indices { gradient[i] /= Float(batch.count) }
        }
        return gradient
    }

    /// A language model of characters, 20 steps of 32 samples an interval; the score is the bits of a character of 1,000
    /// of the validation text, the regret those of 1,000 of the test text.
    static func characters(_ name: String) throws -> BenchTask {
        let text = try CharacterText(data.appending("gpl-3.txt"), context: 8)
        let model = CharacterModel(alphabet: text.alphabet.count, context: 8, width: 12, hidden: 96)
        @Sendable func bits(_ learner: Learner, _ places: Range<Int>) -> Double {
            model.loss(of: learner.weights, in: text.symbols, at: places) / 0.6931471805599453
        }
        return BenchTask(
            name: name, objective: .minimize("bits"),
            space: [
                "learning_rate": .logUniform(1e-4...3), "momentum": .uniform(0...0.99), "dropout": .uniform(0...0.5),
            ], optimum: nil
        ) { seed in
            var random = RandomStream(seed: UInt64(seed), .trainer, member: 0, index: 0, name: "weights")
            return numbers(Learner(weights: model.initialWeights(&random)))
        } step: { weights, hyperparameters, seed in
            var learner = learner(weights)
            let rate = Float(try hyperparameters.double("learning_rate"))
            let momentum = Float(try hyperparameters.double("momentum"))
            let dropout = Float(try hyperparameters.double("dropout"))
            var random = RandomStream(seed: UInt64(seed), .trainer, member: 0, index: 0, name: "samples")
            for _ in 0..<20 {
                let places = (0..<32).map { _ in text.training.lowerBound + random.index(below: text.training.count) }
                let (loss, gradient) = model.gradient(
                    of: learner.weights, in: text.symbols, at: places, dropout: dropout, &random)
                guard loss.isFinite else { break }
                learner.step(against: gradient, rate: rate, momentum: momentum)
            }
            weights = numbers(learner)
            return bits(learner, text.validation.prefix(1000))
        } regret: { weights, _ in
            bits(learner(weights), text.test.prefix(1000))
        }
    }
}
