// SPDX-License-Identifier: Apache-2.0

public import PBT

/// The configuration of a worker.
public struct WorkerConfiguration: Sendable {
    /// The experiments that a worker serves.
    public enum Experiments: Sendable, Hashable {
        /// The experiments of these names.
        case named([String])
        /// All experiments of the store, including those created later.
        case all
    }

    /// The condition under which a worker ends.
    public enum End: Sendable, Hashable {
        /// All its experiments have ended.
        case whenOver
        /// All its experiments have ended, or none has a waiting or running interval: for manual queues.
        case whenIdle
        /// Never: it waits for new work.
        case never
    }

    /// The experiments that it serves.
    public var experiments: Experiments
    /// Returns true for an experiment that it can train; used if it serves all.
    ///
    /// By default those without persistent programs (see ``PersistentWorker``).
    public var serves: @Sendable (Experiment) -> Bool = { $0.trainer?.isPersistent != true }
    /// True to evaluate the best checkpoints of experiments that have finished, too (``Experiment/evaluate``).
    ///
    /// The executor must be able to: a ``CommandExecutor`` is.
    package var evaluates = false
    /// The number of intervals that it trains concurrently; at least 1.
    public var slots: Int
    /// The condition under which it ends.
    public var end: End
    /// The term of a lease, which is renewed after each third of it.
    public var term: Duration
    /// The maximum time between two checks for work when there is nothing to do.
    ///
    /// New work is noticed immediately; this is for changes by time alone, such as expired leases of dead workers. It
    /// is also the delay with which a stopped experiment is noticed.
    public var poll: Duration
    /// The maximum of a random pause between a new event of the store and the next check for work (jitter).
    ///
    /// For stores with many idle workers behind a network, which should not all make requests at the same time.
    public var rest: Duration
    /// The first pause after a failure that would recur immediately: a full disk, a released interval.
    ///
    /// Exponential backoff with jitter: it doubles, up to 60 times itself, and each is shortened at random by up to a
    /// quarter.
    public var pause: Duration
    /// The numbers of consecutive failures at which the worker stops.
    public var limits = Limits()

    /// The numbers of consecutive failures at which a slot stops, and with the last slot the worker.
    public struct Limits: Sendable, Hashable {
        /// The limit for a permanent ``WorkerProblem``: no program, no directory, no device.
        public var lasting = 3
        /// The limit for a transient ``WorkerProblem``: no disk space, no memory, no process, no file descriptor.
        ///
        /// With the default pauses the eighth comes after about two minutes.
        public var transient = 8
        /// The limit for intervals released by the program (exit code 75).
        ///
        /// With the default pauses the tenth comes after about four minutes.
        public var returned = 10
        /// The limit for persistent programs that end without starting an interval.
        public var startless = 5
        /// The limit for failed attempts of all slots at one experiment, at two or more intervals, before any attempt
        /// of the worker has succeeded.
        public var failed = 8

        /// Creates the default limits.
        public init() {}
    }

    /// Creates a configuration.
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

    /// The configuration for a store behind a network: longer polling intervals, and jitter.
    public var overNetwork: Self {
        var configuration = self
        configuration.poll = max(poll, .seconds(20))
        configuration.rest = max(rest, .milliseconds(500))
        return configuration
    }
}
