// SPDX-License-Identifier: Apache-2.0

public import PBT
public import PBTWorker
public import SystemPackage

/// A trainer with the experiment that searches its hyperparameters, and a test that the search never sees.
public protocol Workload: Trainer {
    /// The search.
    ///
    /// - Parameters:
    ///   - seed: The seed of every draw.
    ///   - isShort: Whether a few seconds must do: a smaller population that trains for less long.
    /// - Returns: The experiment, to be given to `train`.
    func experiment(seed: UInt64, isShort: Bool) -> Experiment

    /// Measures a checkpoint on data that no interval trained on and no score comes from.
    ///
    /// - Returns: The same metrics as `evaluate`; nothing when there are no such data.
    /// - Throws: What reading the checkpoint throws.
    func test(_ checkpoint: FilePath) throws -> [String: Value]

    /// A description of the test metrics; nil if there is no test.
    var testObjectives: [Objective] { get }
}

extension TrainingContext {
    /// The random draws of this interval for one purpose: a function of the experiment's seed, member and interval.
    func random(_ purpose: String) -> RandomStream {
        RandomStream(seed: UInt64(seed), .trainer, member: member, index: interval, name: purpose)
    }
}

/// The directory of the example data, next to the sources.
public var exampleData: FilePath {
    FilePath(#filePath).removingLastComponent().removingLastComponent().appending("Data")
}
