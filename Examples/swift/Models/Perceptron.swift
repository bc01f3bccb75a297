// SPDX-License-Identifier: Apache-2.0

import PBT

/// A network with one hidden layer of rectified units, and a softmax with cross-entropy at its end.
///
/// Its weights are one flat list: the hidden layer's, an input's weights to all hidden units side by side; its biases;
/// then the output layer's in the same order.
struct Perceptron: Sendable, Hashable {
    /// The number of inputs.
    let inputs: Int
    /// The number of hidden units.
    let hidden: Int
    /// The number of classes.
    let outputs: Int

    /// The number of weights, including biases.
    var weightCount: Int { outputBiases.upperBound }

    private var hiddenWeights: Range<Int> { 0..<inputs * hidden }
    private var hiddenBiases: Range<Int> { hiddenWeights.upperBound..<hiddenWeights.upperBound + hidden }
    private var outputWeights: Range<Int> { hiddenBiases.upperBound..<hiddenBiases.upperBound + hidden * outputs }
    private var outputBiases: Range<Int> { outputWeights.upperBound..<outputWeights.upperBound + outputs }

    /// Weights to start from: normal with variance 2/inputs of their layer, biases 0.
    ///
    /// Source: He, Zhang, Ren and Sun, "Delving Deep into Rectifiers", 2015.
    func initialWeights(_ random: inout RandomStream) -> [Float] {
        var weights = [Float](repeating: 0, count: weightCount)
        for (range, fan) in [(hiddenWeights, inputs), (outputWeights, hidden)] {
            let deviation = (2 / Double(fan)).squareRoot()
            for i in range { weights[i] = Float(random.normal() * deviation) }
        }
        return weights
    }

    /// Lends memory for passes through the network.
    ///
    /// - Parameters:
    ///   - weights: The weights, as many as ``weightCount``.
    ///   - gradient: What gradients are added to, as many; empty when only ``Pass/loss(of:label:)`` is asked for.
    ///   - body: Does the passes.
    /// - Returns: What the body returns.
    /// - Throws: What the body throws.
    func withPass<Result>(
        _ weights: Reading, _ gradient: Writing, _ body: (Pass) throws -> Result
    ) rethrows -> Result {
        try withUnsafeTemporaryAllocation(of: Float.self, capacity: 3 * hidden + outputs) { memory in
            memory.initialize(repeating: 0)
            return try body(Pass(self, weights, gradient, memory))
        }
    }

    /// Passes through the network, one sample at a time.
    struct Pass {
        /// For each hidden unit what its input is multiplied with by dropout: 0, or 1/(1 − rate).
        let mask: Writing
        private let shape: Perceptron
        private let weights: Reading
        private let gradient: Writing
        private let hidden: Writing
        private let errors: Writing
        private let scores: Writing

        fileprivate init(_ shape: Perceptron, _ weights: Reading, _ gradient: Writing, _ memory: Writing) {
            self.shape = shape
            self.weights = weights
            self.gradient = gradient
            let n = shape.hidden
            (hidden, errors, mask) = (memory.part(0..<n), memory.part(n..<2 * n), memory.part(2 * n..<3 * n))
            scores = memory.part(3 * n..<memory.count)
            mask.update(repeating: 1)
        }

        /// The loss of one sample.
        ///
        /// - Returns: The negative logarithm of the probability given to the label, in nats.
        func loss(of input: Reading, label: Int) -> Double {
            _ = hidden.update(from: weights[shape.hiddenBiases])
            for i in 0..<shape.inputs where input[i] != 0 {
                Vectors.add(input[i], times: weights.part(row(i)), to: hidden)
            }
            _ = scores.update(from: weights[shape.outputBiases])
            for j in 0..<shape.hidden {
                // Written so that what is not a number stays so.
                hidden[j] = hidden[j] <= 0 ? 0 : hidden[j] * mask[j]
                if hidden[j] != 0 { Vectors.add(hidden[j], times: weights.part(outputRow(j)), to: scores) }
            }
            return Vectors.softmax(scores, label: label)
        }

        /// The class that the last sample was given the highest probability of.
        var guess: Int {
            scores.indices.max { scores[$0] < scores[$1] } ?? 0
        }

        /// The loss of one sample, and its gradient added to the gradient.
        ///
        /// - Parameters:
        ///   - input: The sample.
        ///   - label: Its class.
        ///   - inputGradient: What the gradient by the inputs is added to; empty when it is of no interest.
        /// - Returns: The negative logarithm of the probability given to the label, in nats.
        func learn(_ input: Reading, label: Int, inputGradient: Writing = Writing(start: nil, count: 0)) -> Double {
            let loss = loss(of: input, label: label)
            scores[label] -= 1
            Vectors.add(1, times: scores.reading, to: gradient.part(shape.outputBiases))
            for j in 0..<shape.hidden {
                // A unit that is off, by itself or by dropout, passes no error on.
                errors[j] = 0
                guard hidden[j] != 0 else { continue }
                Vectors.add(hidden[j], times: scores.reading, to: gradient.part(outputRow(j)))
                errors[j] = Vectors.product(weights.part(outputRow(j)), scores.reading) * mask[j]
            }
            Vectors.add(1, times: errors.reading, to: gradient.part(shape.hiddenBiases))
            for i in 0..<shape.inputs where input[i] != 0 {
                Vectors.add(input[i], times: errors.reading, to: gradient.part(row(i)))
            }
            for i in inputGradient.indices {
                inputGradient[i] += Vectors.product(weights.part(row(i)), errors.reading)
            }
            return loss
        }

        private func row(_ i: Int) -> Range<Int> { i * shape.hidden..<(i + 1) * shape.hidden }

        private func outputRow(_ j: Int) -> Range<Int> {
            let start = shape.outputWeights.lowerBound + j * shape.outputs
            return start..<start + shape.outputs
        }
    }
}
