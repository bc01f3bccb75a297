// SPDX-License-Identifier: Apache-2.0

import PBT
import Testing

@testable import ExampleModels

/// Gradients against central differences, weight by weight.
@Suite struct `Gradients` {
    @Test func `of the perceptron are those of its loss`() throws {
        let network = Perceptron(inputs: 5, hidden: 9, outputs: 4)
        var random = stream("perceptron")
        let weights = network.initialWeights(&random).map { $0 + Float(0.1 * random.normal()) }
        // One input is zero, as the background of an image is.
        let input: [Float] = [0.3, -1.2, 0, 0.8, 0.1]
        var gradient = [Float](repeating: 0, count: network.weightCount)
        var inputGradient = [Float](repeating: 0, count: 5)
        _ = pass(network, weights, &gradient, input, label: 2, inputGradient: &inputGradient)
        expectGradient(gradient, at: weights) { loss(network, $0, input, label: 2) }
        expectGradient(inputGradient, at: input) { loss(network, weights, $0, label: 2) }
    }

    @Test func `add up over samples`() {
        let network = Perceptron(inputs: 3, hidden: 4, outputs: 2)
        var random = stream("sum")
        let weights = network.initialWeights(&random)
        var first = [Float](repeating: 0, count: network.weightCount)
        var none: [Float] = []
        _ = pass(network, weights, &first, [1, 2, 3], label: 0, inputGradient: &none)
        var twice = first
        _ = pass(network, weights, &twice, [1, 2, 3], label: 0, inputGradient: &none)
        #expect(twice == first.map { 2 * $0 })
        #expect(first.contains { $0 != 0 })
    }

    @Test(arguments: [Float(0), 0.4])
    func `of the character model are those of its loss, embeddings and dropout included`(dropout: Float) {
        let model = CharacterModel(alphabet: 4, context: 2, width: 3, hidden: 10)
        var random = stream("characters")
        let weights = model.initialWeights(&random)
        let text = [0, 1, 2, 3, 2, 1, 0, 3, 3]
        let places = [2, 5, 8]
        func pass(_ weights: [Float]) -> (loss: Double, gradient: [Float]) {
            // The same units are switched off each time.
            var random = stream("dropout")
            return model.gradient(of: weights, in: text, at: places, dropout: dropout, &random)
        }
        expectGradient(pass(weights).gradient, at: weights) { pass($0).loss }
    }

    @Test func `of the loss without dropout agree with the measured loss`() {
        let model = CharacterModel(alphabet: 5, context: 2, width: 3, hidden: 6)
        var random = stream("agree")
        let weights = model.initialWeights(&random)
        let text = [0, 1, 2, 3, 4, 2, 1, 0, 3, 3]
        let trained = model.gradient(of: weights, in: text, at: Array(2..<10), dropout: 0, &random).loss
        #expect(abs(trained - model.loss(of: weights, in: text, at: 2..<10)) < 1e-12)
    }

    @Test func `of a loss that is no number are no numbers, so that a diverged model is seen`() {
        let network = Perceptron(inputs: 2, hidden: 3, outputs: 2)
        var weights = [Float](repeating: 1, count: network.weightCount)
        weights[0] = .nan
        #expect(loss(network, weights, [1, 1], label: 0).isNaN)
        weights[0] = .infinity
        #expect(!loss(network, weights, [1, 1], label: 0).isFinite)
    }

    // MARK: What the tests use

    private func stream(_ name: String) -> RandomStream {
        RandomStream(seed: 3, .sample, member: 0, index: 0, name: name)
    }

    private func pass(
        _ network: Perceptron, _ weights: [Float], _ gradient: inout [Float], _ input: [Float], label: Int,
        inputGradient: inout [Float]
    ) -> Double {
        weights.withUnsafeBufferPointer { weights in
            gradient.withUnsafeMutableBufferPointer { gradient in
                inputGradient.withUnsafeMutableBufferPointer { inputGradient in
                    network.withPass(weights, gradient) { pass in
                        input.withUnsafeBufferPointer {
                            pass.learn($0, label: label, inputGradient: inputGradient)
                        }
                    }
                }
            }
        }
    }

    private func loss(_ network: Perceptron, _ weights: [Float], _ input: [Float], label: Int) -> Double {
        weights.withUnsafeBufferPointer { weights in
            network.withPass(weights, Writing(start: nil, count: 0)) { pass in
                input.withUnsafeBufferPointer { pass.loss(of: $0, label: label) }
            }
        }
    }

    /// Expects a gradient to be what moving each number a little does, to the precision of 32-bit numbers.
    private func expectGradient(_ gradient: [Float], at point: [Float], of function: ([Float]) -> Double) {
        let step: Float = 1e-3
        #expect(gradient.count == point.count)
        for i in point.indices {
            var (above, below) = (point, point)
            above[i] += step
            below[i] -= step
            let slope = (function(above) - function(below)) / Double(above[i] - below[i])
            #expect(abs(Double(gradient[i]) - slope) < 1e-3 * max(1, abs(slope)), "number \(i)")
        }
    }
}
