// SPDX-License-Identifier: Apache-2.0

/// Something that happened to an experiment.
public struct Event: Sendable, Hashable, Identifiable {
    /// What happened.
    ///
    /// More kinds may come.
    public enum Kind: String, Sendable, Hashable, CaseIterable {
        /// The experiment was created.
        case created
        /// An interval was claimed.
        case started
        /// An interval was trained; the decision about its member stands with it, unless its generation is not complete.
        case done
        /// An interval's score is no finite number.
        case diverged
        /// An interval's retries are spent.
        case failed
        /// An attempt failed, and the interval waits for another.
        case retried
        /// A lease ran out or its worker died, and the interval waits for another attempt.
        case lost
        /// A worker gave an interval back.
        case released
        /// A generation of a synchronous experiment was decided about.
        case generation
        /// Hyperparameters were queued by hand.
        case pushed
        /// The experiment was paused.
        case paused
        /// The experiment goes on.
        case resumed
        /// The experiment is over.
        case ended
        /// The definition was edited; `details` have the number of the revision and `changes`: key, old and new.
        case edited
        /// A worker gets no more intervals, since its attempts fail where those of others succeed.
        case setAside
    }

    /// Its number; increases over all experiments of a store.
    public var id: Int64
    /// The experiment's name.
    public var experiment: String
    /// When it happened.
    public var time: Timestamp
    /// What happened.
    public var kind: Kind
    /// The interval it happened to, if any.
    public var interval: IntervalID?
    /// More about it.
    public var details: [String: Value]

    /// Something that happened.
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
