// SPDX-License-Identifier: Apache-2.0

public import PBT

/// A model so small that an interval of it trains in microseconds: a reference problem with known answers.
///
/// Pure: the same weights, hyperparameters and seed give the same weights and score.
public protocol Toy: Sendable {
    /// What a checkpoint of it holds.
    associatedtype Weights: Sendable, Hashable

    /// What its score means.
    var objective: Objective { get }

    /// The weights that a founder starts with.
    ///
    /// - Parameter seed: The trainer's seed for the founder's first interval; 31 bits.
    /// - Returns: Untrained weights.
    func founder(seed: Int) -> Weights

    /// Trains for one interval.
    ///
    /// - Parameters:
    ///   - weights: The weights to start from; afterwards the trained ones.
    ///   - hyperparameters: What to train with.
    ///   - seed: The trainer's seed for the interval; 31 bits.
    /// - Returns: The score of the trained weights.
    /// - Throws: A `PBTError` when a hyperparameter is missing.
    func train(_ weights: inout Weights, with hyperparameters: Hyperparameters, seed: Int) throws -> Double
}
