// SPDX-License-Identifier: Apache-2.0

public import PBT
public import SystemPackage

/// Training written in Swift, run in this process.
///
/// For each interval a model is started or restored, trained, evaluated and saved. A value of this type is shared by
/// all slots; what belongs to one member belongs into the model, and into its checkpoint.
///
/// Throwing fails the attempt, with the error's text as the reason; throwing ``Interruption`` gives the interval back
/// without counting a retry, and so does ``WorkerProblem``, after which the worker stops unless it passes. A trainer
/// that checks for cancellation lets the second Ctrl-C end it at once.
public protocol Trainer<Model>: Sendable {
    /// What is trained.
    associatedtype Model

    /// Makes a new model, for a founder.
    func start(_ context: TrainingContext) async throws -> Model

    /// Reads a model from a checkpoint, which must not be changed.
    ///
    /// The hyperparameters in the context are those to go on with; they may differ from those that were saved.
    func restore(from checkpoint: FilePath, _ context: TrainingContext) async throws -> Model

    /// Trains for one interval.
    func train(_ model: inout Model, _ context: TrainingContext) async throws

    /// Measures a model; the objective's metric must be among the results.
    func evaluate(_ model: Model, _ context: TrainingContext) async throws -> [String: Value]

    /// Saves all that ``restore(from:_:)`` needs, optimizer state included, into an empty directory.
    func save(_ model: Model, to directory: FilePath, _ context: TrainingContext) async throws
}

/// What a trainer knows about the interval that it trains.
public struct TrainingContext: Sendable, Hashable {
    /// The experiment's name.
    public var experiment: String
    /// The member, from 0.
    public var member: Int
    /// The index of the interval, from 0.
    public var interval: Int
    /// How many intervals of training the model will have after this one, those of its ancestors included; from 1.
    ///
    /// The number to set a total by, such as a number of epochs. Not `interval + 1`: a member that takes over another
    /// one's checkpoint takes over its training too.
    public var depth: Int
    /// Which attempt at the interval this is, from 1.
    public var attempt: Int
    /// The seed, 31 bits: a function of the experiment's seed, member and interval.
    public var seed: Int
    /// The hyperparameters to train with.
    public var hyperparameters: Hyperparameters

    /// What a trainer knows about an interval.
    ///
    /// `depth` is `interval + 1` when it is not given.
    public init(
        experiment: String, member: Int, interval: Int, depth: Int? = nil, attempt: Int, seed: Int,
        hyperparameters: Hyperparameters
    ) {
        self.experiment = experiment
        self.member = member
        self.interval = interval
        self.depth = depth ?? (interval == .max ? interval : interval + 1)
        self.attempt = attempt
        self.seed = seed
        self.hyperparameters = hyperparameters
    }

    /// What a trainer knows about an attempt.
    init(_ assignment: Assignment) {
        self.init(
            experiment: assignment.experiment.name, member: assignment.interval.id.member,
            interval: assignment.interval.id.index, depth: assignment.interval.depth,
            attempt: assignment.lease.attempt, seed: assignment.seed,
            hyperparameters: assignment.interval.hyperparameters)
    }
}

/// Thrown by a trainer to give its interval back, as when its machine is about to go: no retry is counted.
public struct Interruption: Error, Sendable, Hashable, CustomStringConvertible {
    /// Why, for a person.
    public var reason: String

    /// An interruption.
    public init(_ reason: String) {
        self.reason = reason
    }

    /// Why, for a person.
    public var description: String {
        reason
    }
}
