// SPDX-License-Identifier: Apache-2.0

public import PBT

/// How a worker behaves.
public struct WorkerConfiguration: Sendable {
    /// Which experiments a worker serves.
    public enum Experiments: Sendable, Hashable {
        /// These, by name.
        case named([String])
        /// All that the store has, also those that are created later.
        case all
    }

    /// When a worker has nothing more to do.
    public enum End: Sendable, Hashable {
        /// When all its experiments are over.
        case whenOver
        /// When all its experiments are over, or none has an interval that waits or runs: for queues filled by hand.
        case whenIdle
        /// Never by itself.
        case never
    }

    /// Which experiments it serves.
    public var experiments: Experiments
    /// Which of the store's experiments it can train, when it serves all; by default those whose programs do not ask a
    /// server themselves (see ``PersistentWorker``).
    public var serves: @Sendable (Experiment) -> Bool = { $0.trainer?.isPersistent != true }
    /// How many intervals it trains at a time; at least 1.
    public var slots: Int
    /// When it has nothing more to do.
    public var end: End
    /// How long a lease lasts unless it is renewed; it is renewed after each third of it.
    public var term: Duration
    /// How long it waits at most before it asks again when there is nothing to do.
    ///
    /// New work is seen at once; this is for what time alone changes, such as leases of workers that died. Also how
    /// soon it sees that an experiment was stopped.
    public var poll: Duration
    /// The longest pause after news of the store before it looks again when there is nothing to do; how long it really
    /// is, is drawn at random.
    ///
    /// For stores that many idle workers look at over a network: not all of them need come at once.
    public var rest: Duration
    /// The first pause after something that would go wrong again immediately: a full disk, an interval given back.
    ///
    /// Exponential backoff with jitter: it doubles, up to 60 times itself, and each is shortened at random by up to a
    /// quarter.
    public var pause: Duration
    /// How much may go wrong in a row before the worker stops.
    public var limits = Limits()

    /// How often in a row something may go wrong before a slot of a worker stops, and with its last slot the worker.
    public struct Limits: Sendable, Hashable {
        /// A ``WorkerProblem`` that does not pass by itself: no program, no directory, no device.
        public var lasting = 3
        /// A transient ``WorkerProblem``: no space, no memory, no process, no file descriptor.
        ///
        /// With the usual pauses the eighth comes after about two minutes.
        public var transient = 8
        /// An interval given back by its program (exit code 75).
        ///
        /// With the usual pauses the tenth comes after about four minutes.
        public var returned = 10
        /// A program that stays alive over intervals, and ends without having begun one.
        public var startless = 5
        /// A failed attempt at one experiment, of all slots together, before any attempt of the worker succeeded; of at
        /// least two intervals.
        public var failed = 8

        /// The usual limits.
        public init() {}
    }

    /// How a worker behaves.
    public init(
        experiments: Experiments, slots: Int = 1, end: End = .whenOver, term: Duration = .seconds(60),
        poll: Duration = .seconds(2), rest: Duration = .zero, pause: Duration = .seconds(1)
    ) {
        precondition(slots >= 1, "a worker has at least one slot")
        precondition(term > .zero && poll > .zero, "a lease and a wait last for some time")
        self.experiments = experiments
        self.slots = slots
        self.end = end
        self.term = term
        self.poll = poll
        self.rest = rest
        self.pause = pause
    }

    /// The same for a store behind a network: it asks less often, and waits for news instead.
    public var overNetwork: Self {
        var configuration = self
        configuration.poll = max(poll, .seconds(20))
        configuration.rest = max(rest, .milliseconds(500))
        return configuration
    }
}
