// SPDX-License-Identifier: Apache-2.0

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
    /// The first pause after something that would go wrong again at once: a full disk, an interval given back.
    ///
    /// It doubles, up to 60 times itself.
    public var pause: Duration

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
