// SPDX-License-Identifier: Apache-2.0

public import PBT

/// A model whose intervals train in microseconds: a reference problem with a known solution.
///
/// Pure: the same weights, hyperparameters, and seed give the same weights and score.
public protocol Toy: Sendable {
    /// The content of a checkpoint.
    associatedtype Weights: Sendable, Hashable

    /// The objective.
    var objective: Objective { get }

    /// Returns the weights that a founder starts with.
    ///
    /// - Parameter seed: The trainer's seed for the founder's first interval; 31 bits.
    /// - Returns: Untrained weights.
    func founder(seed: Int) -> Weights

    /// Trains for one interval.
    ///
    /// - Parameters:
    ///   - weights: The weights to start from; afterwards the trained ones.
    ///   - hyperparameters: The hyperparameters.
    ///   - seed: The trainer's seed for the interval; 31 bits.
    /// - Returns: The score of the trained weights.
    /// - Throws: A `PBTError` if a hyperparameter is missing.
    func train(_ weights: inout Weights, with hyperparameters: Hyperparameters, seed: Int) throws -> Double

    /// Returns further metrics of trained weights, which no decision uses; by default none.
    ///
    /// - Parameters:
    ///   - weights: The trained weights.
    ///   - seed: The trainer's seed for the interval; 31 bits.
    /// - Returns: Metrics by name.
    /// - Throws: The errors of measuring them.
    func metrics(of weights: Weights, seed: Int) throws -> [String: Value]

    /// Returns a score of trained weights, as ``train(_:with:seed:)`` would with another seed; by default none.
    ///
    /// - Parameters:
    ///   - weights: The trained weights.
    ///   - seed: The seed of the evaluation; 31 bits.
    /// - Returns: The score; nil if the toy's score has no noise, or belongs to the training.
    /// - Throws: The errors of measuring it.
    func evaluate(_ weights: Weights, seed: Int) throws -> Double?
}

extension Toy {
    /// Returns no metrics.
    public func metrics(of weights: Weights, seed: Int) -> [String: Value] { [:] }

    /// Returns nil: there is nothing to evaluate again.
    public func evaluate(_ weights: Weights, seed: Int) -> Double? { nil }
}
