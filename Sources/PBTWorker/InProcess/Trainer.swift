// SPDX-License-Identifier: Apache-2.0

public import PBT
public import SystemPackage

/// Training written in Swift that runs in this process.
///
/// For each interval a model is created or restored, trained, evaluated, and saved. The trainer is shared by all slots;
/// keep the state of a member in its model and its checkpoint.
///
/// A thrown error fails the attempt, with its description as the reason. ``Interruption`` releases the interval without
/// counting a retry. So does ``WorkerProblem``, after which the worker backs off and stops if the problem persists. A
/// trainer that checks for cancellation ends soon after the second Ctrl-C.
public protocol Trainer<Model>: Sendable {
    /// The type of the model.
    associatedtype Model

    /// Creates a model for a founder.
    func start(_ context: TrainingContext) async throws -> Model

    /// Restores a model from a checkpoint, which must not be changed.
    ///
    /// Apply the hyperparameters of the context, which can differ from the saved ones.
    func restore(from checkpoint: FilePath, _ context: TrainingContext) async throws -> Model

    /// Trains for one interval.
    func train(_ model: inout Model, _ context: TrainingContext) async throws

    /// Evaluates a model; the result must include the metric of the objective.
    func evaluate(_ model: Model, _ context: TrainingContext) async throws -> [String: Value]

    /// Saves everything that ``restore(from:_:)`` needs, including the optimizer state, in an empty directory.
    func save(_ model: Model, to directory: FilePath, _ context: TrainingContext) async throws
}

/// The interval that a trainer trains.
public struct TrainingContext: Sendable, Hashable {
    /// The name of the experiment.
    public var experiment: String
    /// The index of the member, from 0.
    public var member: Int
    /// The index of the interval, from 0.
    public var interval: Int
    /// The number of intervals of training of the model after this one, including those of its ancestors; from 1.
    ///
    /// Compute totals such as a number of epochs from it, not from `interval + 1`: a member that copies the checkpoint
    /// of another one also copies its training.
    public var depth: Int
    /// The number of the attempt at the interval, from 1.
    public var attempt: Int
    /// The seed, of 31 bits: a function of the experiment's seed, the member, and the interval.
    public var seed: Int
    /// The seed that all members share at this interval, of 31 bits: a function of the experiment's seed and the interval.
    ///
    /// For the order of the training data and whatever else must not differ between members.
    public var intervalSeed: Int
    /// The hyperparameters to train with.
    public var hyperparameters: Hyperparameters

    /// Creates a context.
    ///
    /// `depth` is `interval + 1` if it is nil, and `intervalSeed` is `seed`.
    public init(
        experiment: String, member: Int, interval: Int, depth: Int? = nil, attempt: Int, seed: Int,
        intervalSeed: Int? = nil, hyperparameters: Hyperparameters
    ) {
        self.experiment = experiment
        self.member = member
        self.interval = interval
        self.depth = depth ?? (interval == .max ? interval : interval + 1)
        self.attempt = attempt
        self.seed = seed
        self.intervalSeed = intervalSeed ?? seed
        self.hyperparameters = hyperparameters
    }

    /// Creates the context of an assignment.
    init(_ assignment: Assignment) {
        self.init(
            experiment: assignment.experiment.name, member: assignment.interval.id.member,
            interval: assignment.interval.id.index, depth: assignment.interval.depth,
            attempt: assignment.lease.attempt, seed: assignment.seed,
            intervalSeed: assignment.intervalSeed, hyperparameters: assignment.interval.hyperparameters)
    }
}

/// An error that releases the interval, for example when the machine is about to be preempted: no retry is counted.
public struct Interruption: Error, Sendable, Hashable, CustomStringConvertible {
    /// The reason, for messages.
    public var reason: String

    /// Creates an interruption.
    public init(_ reason: String) {
        self.reason = reason
    }

    /// The reason, for messages.
    public var description: String {
        reason
    }
}
