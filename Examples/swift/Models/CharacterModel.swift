// SPDX-License-Identifier: Apache-2.0

import PBT

/// Predicts a symbol from the symbols before it.
///
/// Each of them is looked up in a table of embeddings, and a ``Perceptron`` sees these side by side (Bengio, Ducharme,
/// Vincent and Jauvin 2003).
struct CharacterModel: Sendable, Hashable {
    /// The number of symbols.
    let alphabet: Int
    /// The number of symbols of the context.
    let context: Int
    /// The dimension of the embedding of a symbol.
    let width: Int
    /// The network after the embeddings.
    let network: Perceptron

    /// A model of this size.
    init(alphabet: Int, context: Int, width: Int, hidden: Int) {
        self.alphabet = alphabet
        self.context = context
        self.width = width
        network = Perceptron(inputs: context * width, hidden: hidden, outputs: alphabet)
    }

    /// The number of weights: those of the network, then the embeddings, symbol by symbol.
    var weightCount: Int { network.weightCount + alphabet * width }

    /// Weights to start from; embeddings are normal with a standard deviation of 0.3.
    func initialWeights(_ random: inout RandomStream) -> [Float] {
        var weights = network.initialWeights(&random)
        for _ in 0..<alphabet * width { weights.append(Float(0.3 * random.normal())) }
        return weights
    }

    /// The mean loss over some places of a text, and its gradient.
    ///
    /// - Parameters:
    ///   - weights: The weights.
    ///   - symbols: The text.
    ///   - places: The places whose symbols are predicted; each at least ``context``.
    ///   - dropout: The share of hidden units that are switched off for each sample, in `0 ..< 1`.
    ///   - random: Says which.
    /// - Returns: The loss in nats, and its gradient by every weight.
    func gradient(
        of weights: [Float], in symbols: [Int], at places: [Int], dropout: Float, _ random: inout RandomStream
    ) -> (loss: Double, gradient: [Float]) {
        var loss = 0.0
        var gradient = [Float](repeating: 0, count: weightCount)
        gradient.withUnsafeMutableBufferPointer { gradient in
            withInputs(weights, gradient) { embeddings, input, pass in
                let table = gradient.part(network.weightCount..<weightCount)
                withUnsafeTemporaryAllocation(of: Float.self, capacity: input.count) { errors in
                    for place in places {
                        look(place, symbols, embeddings, input)
                        if dropout > 0 { draw(pass.mask, dropout, &random) }
                        errors.initialize(repeating: 0)
                        loss += pass.learn(input.reading, label: symbols[place], inputGradient: errors)
                        for i in 0..<context {
                            let row = symbols[place - context + i] * width
                            Vectors.add(
                                1, times: errors.reading.part(i * width..<(i + 1) * width),
                                to: table.part(row..<row + width))
                        }
                    }
                }
            }
            for i in gradient.indices { gradient[i] /= Float(places.count) }
        }
        return (loss / Double(places.count), gradient)
    }

    /// The mean loss over some places of a text, without dropout, in nats.
    func loss(of weights: [Float], in symbols: [Int], at places: Range<Int>) -> Double {
        var loss = 0.0
        withInputs(weights, Writing(start: nil, count: 0)) { embeddings, input, pass in
            for place in places {
                look(place, symbols, embeddings, input)
                loss += pass.loss(of: input.reading, label: symbols[place])
            }
        }
        return loss / Double(places.count)
    }

    /// Lends the embeddings, memory for the network's inputs, and passes through the network.
    private func withInputs(
        _ weights: [Float], _ gradient: Writing, _ body: (Reading, Writing, Perceptron.Pass) -> Void
    ) {
        weights.withUnsafeBufferPointer { weights in
            network.withPass(weights, gradient) { pass in
                withUnsafeTemporaryAllocation(of: Float.self, capacity: network.inputs) { input in
                    input.initialize(repeating: 0)
                    body(weights.part(network.weightCount..<weightCount), input, pass)
                }
            }
        }
    }

    /// Puts the embeddings of the symbols before a place side by side.
    private func look(_ place: Int, _ symbols: [Int], _ embeddings: Reading, _ input: Writing) {
        for i in 0..<context {
            let row = symbols[place - context + i] * width
            for k in 0..<width { input[i * width + k] = embeddings[row + k] }
        }
    }

    private func draw(_ mask: Writing, _ dropout: Float, _ random: inout RandomStream) {
        let scale = 1 / (1 - dropout)
        for j in mask.indices { mask[j] = Float(random.unit()) < dropout ? 0 : scale }
    }
}
