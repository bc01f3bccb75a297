// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTTesting

/// A task of the suite: a toy whose weights are numbers, with its regret.
struct BenchTask: Toy {
    /// The name in the suite.
    let name: String
    let objective: Objective
    let space: SearchSpace
    /// The least regret that is possible, if that is known.
    let optimum: Double?
    /// Creates the weights of a founder from the trainer's seed.
    let start: @Sendable (Int) -> [Double]
    /// Trains for one interval, and returns the score that the search sees.
    let step: @Sendable (inout [Double], Hyperparameters, Int) throws -> Double
    /// Returns the truth about weights, without noise and on test data if there are any; less is better.
    let regret: @Sendable ([Double], Int) throws -> Double
    /// Returns a noisy score of weights without training; nil if the task has none.
    var score: (@Sendable ([Double], Int) throws -> Double)?

    func founder(seed: Int) -> [Double] { start(seed) }

    func train(_ weights: inout [Double], with hyperparameters: Hyperparameters, seed: Int) throws -> Double {
        try step(&weights, hyperparameters, seed)
    }

    func metrics(of weights: [Double], seed: Int) throws -> [String: Value] {
        let regret = try regret(weights, seed)
        // A model that diverged has none.
        return regret.isFinite ? ["regret": .number(regret)] : [:]
    }

    func evaluate(_ weights: [Double], seed: Int) throws -> Double? { try score?(weights, seed) }

    /// Returns a task by name.
    ///
    /// - Throws: A ``Failure`` if there is none, and the errors of reading its data.
    static func named(_ name: String) throws -> BenchTask {
        switch name {
        case "quadratic": return quadratic(name, noise: 0)
        case "noisy_quadratic": return quadratic(name, noise: 0.5)
        case "plain": return greedy(name, isDeceptive: false)
        case "deceptive": return greedy(name, isDeceptive: true)
        case "mixed": return mixed(name)
        case "figure2": return figureTwo(name)
        case "digits": return try digits(name)
        case "characters": return try characters(name)
        case "cartpole": return cartPole(name)
        case "boosting": return boosting(name)
        default: throw Failure("no task \"\(name)\"")
        }
    }
}

/// The reason why something could not be run.
struct Failure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}
