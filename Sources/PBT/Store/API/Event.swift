// SPDX-License-Identifier: Apache-2.0

/// An event in the log of an experiment.
public struct Event: Sendable, Hashable, Identifiable {
    /// The kind of an event.
    ///
    /// Later versions may add kinds.
    public enum Kind: String, Sendable, Hashable, CaseIterable {
        /// The experiment was created.
        case created
        /// An interval was claimed.
        case started
        /// An interval was trained; the details include the decision about its member, once it is made.
        case done
        /// An interval's score is not finite.
        case diverged
        /// An interval's retries are spent.
        case failed
        /// An attempt failed, and the interval awaits another.
        case retried
        /// A lease expired or its worker died, and the interval awaits another attempt.
        case lost
        /// A worker released an interval.
        case released
        /// The decisions about a generation of a synchronous experiment were made.
        case generation
        /// Hyperparameters were queued by hand.
        case pushed
        /// The experiment was paused.
        case paused
        /// The experiment was resumed.
        case resumed
        /// The experiment ended.
        case ended
        /// The definition was edited; the details include the number of the revision and `changes`: key, old, and new.
        case edited
        /// A worker was set aside: its attempts fail where those of others succeed, so it gets no more intervals.
        case setAside
        /// A job was deleted.
        case deleted
        /// A checkpoint was evaluated again; with the detail `best`, it was chosen as the best by its mean.
        case evaluated
    }

    /// The number of the event; increases across all experiments of a store.
    public var id: Int64
    /// The experiment's name.
    public var experiment: String
    /// The time at which it happened.
    public var time: Timestamp
    /// The kind.
    public var kind: Kind
    /// The interval that it concerns, if any.
    public var interval: IntervalID?
    /// Details, which depend on the kind.
    public var details: [String: Value]

    /// Creates an event.
    public init(
        id: Int64, experiment: String, time: Timestamp, kind: Kind, interval: IntervalID?, details: [String: Value]
    ) {
        self.id = id
        self.experiment = experiment
        self.time = time
        self.kind = kind
        self.interval = interval
        self.details = details
    }
}
