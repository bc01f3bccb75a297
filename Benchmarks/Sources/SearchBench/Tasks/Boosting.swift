// SPDX-License-Identifier: Apache-2.0

import PBT

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

extension BenchTask {
    /// Boosted regression trees of depth 3 on 300 noisy samples, 10 trees an interval; the score is the squared error on
    /// 150 noisy validation samples, the regret the error to the true function on 1,000 test samples.
    ///
    /// Source of the function: Friedman, "Multivariate Adaptive Regression Splines", 1991, equation 61.
    static func boosting(_ name: String) -> BenchTask {
        let (training, validation) = (Samples(count: 300, seed: 1, noise: 2), Samples(count: 150, seed: 2, noise: 2))
        let test = Samples(count: 1000, seed: 3, noise: 0)
        return BenchTask(
            name: name, objective: .minimize("error"),
            space: [
                "learning_rate": .logUniform(0.003...1), "subsample": .uniform(0.1...1),
                "l2": .logUniform(0.01...100),
            ], optimum: 0
        ) { _ in
            []
        } step: { weights, hyperparameters, seed in
            let rate = try hyperparameters.double("learning_rate")
            let share = try hyperparameters.double("subsample")
            let l2 = try hyperparameters.double("l2")
            var draws = Draws(seed, 2)
            var residuals = zip(training.targets, training.predictions(weights)).map { $0 - $1 }
            for _ in 0..<10 {
                let chosen = residuals.indices.filter { _ in draws.unit() < share }
                let tree = Tree(fitting: residuals, of: training, chosen, l2: l2, rate: rate)
                for i in residuals.indices { residuals[i] -= tree.prediction(training.inputs[i]) }
                weights += tree.numbers
            }
            return validation.error(weights)
        } regret: { weights, _ in
            test.error(weights)
        }
    }
}

/// Samples of Friedman's function of five of ten inputs.
private struct Samples: Sendable {
    let inputs: [[Double]]
    let targets: [Double]

    init(count: Int, seed: Int, noise: Double) {
        var draws = Draws(seed, 1)
        var targets: [Double] = []
        inputs = (0..<count).map { _ in
            let x = (0..<10).map { _ in draws.unit() }
            let value = 10 * sin(Double.pi * x[0] * x[1]) + 20 * (x[2] - 0.5) * (x[2] - 0.5) + 10 * x[3] + 5 * x[4]
            targets.append(value + noise * draws.normal() - 14)
            return x
        }
        self.targets = targets
    }

    /// Returns the sums of all trees' predictions.
    func predictions(_ weights: [Double]) -> [Double] {
        let trees = stride(from: 0, to: weights.count, by: Tree.size).map { start in
            Tree(numbers: Array(weights[start..<start + Tree.size]))
        }
        return inputs.map { x in trees.reduce(0) { $0 + $1.prediction(x) } }
    }

    /// Returns the mean squared error.
    func error(_ weights: [Double]) -> Double {
        zip(targets, predictions(weights)).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) } / Double(targets.count)
    }
}

/// A regression tree of depth 3: for its 7 inner nodes the input and the threshold, then the values of its 8 leaves.
private struct Tree {
    static let size = 22
    private static let bins = 16
    var numbers: [Double]

    init(numbers: [Double]) { self.numbers = numbers }

    /// Fits a tree to residuals by the second-order gain with an L2 penalty, with thresholds at sixteenths.
    init(fitting residuals: [Double], of samples: Samples, _ chosen: [Int], l2: Double, rate: Double) {
        numbers = Array(repeating: 0, count: Self.size)
        var nodes: [[Int]] = [chosen]
        for level in 0..<3 {
            var next: [[Int]] = []
            for (place, members) in nodes.enumerated() {
                let node = (1 << level) - 1 + place
                let (input, threshold) = Self.split(members, residuals, samples, l2)
                (numbers[2 * node], numbers[2 * node + 1]) = (Double(input), threshold)
                next.append(members.filter { samples.inputs[$0][input] < threshold })
                next.append(members.filter { samples.inputs[$0][input] >= threshold })
            }
            nodes = next
        }
        for (leaf, members) in nodes.enumerated() {
            let sum = members.reduce(0) { $0 + residuals[$1] }
            numbers[14 + leaf] = rate * sum / (Double(members.count) + l2)
        }
    }

    /// Returns the input and the threshold with the greatest gain.
    private static func split(
        _ members: [Int], _ residuals: [Double], _ samples: Samples, _ l2: Double
    ) -> (Int, Double) {
        var best = (gain: -Double.infinity, input: 0, bin: 0)
        for input in 0..<10 {
            var sums = Array(repeating: 0.0, count: bins)
            var counts = Array(repeating: 0.0, count: bins)
            for i in members {
                let bin = min(Int(samples.inputs[i][input] * Double(bins)), bins - 1)
                sums[bin] += residuals[i]
                counts[bin] += 1
            }
            let (sum, count) = (sums.reduce(0, +), counts.reduce(0, +))
            var (left, leftCount) = (0.0, 0.0)
            for bin in 1..<bins {
                left += sums[bin - 1]
                leftCount += counts[bin - 1]
                let right = sum - left
                let gain = left * left / (leftCount + l2) + right * right / (count - leftCount + l2)
                if gain > best.gain { best = (gain, input, bin) }
            }
        }
        return (best.input, Double(best.bin) / Double(bins))
    }

    func prediction(_ x: [Double]) -> Double {
        var node = 0
        for _ in 0..<3 { node = 2 * node + (x[Int(numbers[2 * node])] < numbers[2 * node + 1] ? 1 : 2) }
        return numbers[14 + node - 7]
    }
}
