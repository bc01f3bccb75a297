// SPDX-License-Identifier: Apache-2.0

/// The identifier of an interval: a member and an index.
public struct IntervalID: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// The member, from 0.
    public var member: Int
    /// The number of intervals that the member had before this one.
    public var index: Int

    /// Creates an identifier.
    public init(member: Int, index: Int) {
        self.member = member
        self.index = index
    }

    /// Returns true if an interval with this identifier and this parent replaces what its member had.
    package func isExploit(of parent: IntervalID?) -> Bool {
        parent.map { $0.member != member || $0.index + 1 != index } ?? false
    }

    /// Orders identifiers by member, then index.
    public static func < (a: Self, b: Self) -> Bool {
        (a.member, a.index) < (b.member, b.index)
    }

    /// The identifier as `MEMBER@INDEX`, as on the command line.
    public var description: String {
        "\(member)@\(index)"
    }

    /// Parses `MEMBER@INDEX`.
    public init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "@", omittingEmptySubsequences: false)
        guard parts.count == 2, let member = Int(parts[0]), let index = Int(parts[1]), member >= 0, index >= 0
        else { return nil }
        self.init(member: member, index: index)
    }

    /// The identifier of the member's next interval.
    package var next: Self {
        Self(member: member, index: index + 1)
    }

    /// The identifier as a JSON object with the keys `member` and `interval`.
    public var value: Value {
        ["member": .integer(member), "interval": .integer(index)]
    }
}

/// An interval of training of one member: restore, train for a limited time, evaluate, save.
///
/// The unit of work, a row in the store, and a node of the genealogy.
public struct Interval: Sendable, Hashable, Identifiable {
    /// The state of an interval.
    public enum State: String, Sendable, Hashable, CaseIterable {
        /// A worker may claim it.
        case waiting
        /// A worker has a lease on it.
        case running
        /// It has a finite score and a checkpoint.
        case done
        /// Its score is not finite.
        case diverged
        /// Its retries are spent.
        case failed

        /// True if it will not be trained any more.
        public var isFinished: Bool {
            self == .done || self == .diverged || self == .failed
        }
    }

    /// The state of an interval's checkpoint.
    public enum CheckpointState: String, Sendable, Hashable {
        /// It has no checkpoint (yet).
        case none
        /// It is kept.
        case kept
        /// It is unreferenced: its directory may be deleted at any time.
        case garbage
        /// Its directory was deleted.
        case deleted
    }

    /// The time of the decision that created an interval, if it does not follow from the interval before it.
    public struct Decided: Sendable, Hashable {
        /// The number of intervals of the experiment that had finished by then.
        public var after: Int64
        /// The number of late or certain decisions that had been made before.
        public var order: Int64
        /// The number of members that counted: all of the population at that time; fewer if it did not wait for some.
        public var members: Int

        /// Creates a record of a decision.
        public init(after: Int64, order: Int64, members: Int) {
            self.after = after
            self.order = order
            self.members = members
        }
    }

    /// The member and the index.
    public var id: IntervalID
    /// The interval whose checkpoint this one continues; nil for a founder or a restarted member.
    public var parent: IntervalID?
    /// The hyperparameters that it trains with.
    public var hyperparameters: Hyperparameters
    /// The changes by explore, if the interval took over a donor's hyperparameters.
    public var changes: [Change]
    /// The number of intervals of training in its checkpoint, including this one: its depth in the genealogy.
    public var depth: Int
    /// The state.
    public var state: State
    /// The value of the objective's metric; finite if the interval is done.
    public var score: Double?
    /// All metrics that the trainer reported.
    public var metrics: [String: Value]
    /// The name of its checkpoint.
    public var checkpoint: String?
    /// The state of its checkpoint.
    public var checkpointState: CheckpointState
    /// True if its checkpoint is pinned.
    public var isPinned: Bool
    /// The number of attempts that workers started.
    public var attempts: Int
    /// The number of attempts that failed: crashed, were killed, timed out, or lost their lease.
    public var failures: Int
    /// The number of failed attempts of each worker.
    package var failedBy: [String: Int] = [:]
    /// The reason of the last failed attempt or of the divergence.
    public var reason: String?
    /// The worker that holds, or last held, a lease on it.
    public var worker: String?
    /// The secret of the current lease, in the stored form of ``LeaseSecret``.
    package var token: String?
    /// The time at which the current lease expires.
    public var leaseExpires: Timestamp?
    /// The time of its creation.
    public var created: Timestamp
    /// The time at which its last attempt started.
    public var started: Timestamp?
    /// The time at which it finished.
    public var finished: Timestamp?
    /// The sequence number among the experiment's finished intervals, from 0; decisions are re-derived in this order.
    public var sequence: Int64?
    /// True if it is finished and awaits a late or certain decision about its member.
    public var isUndecided = false
    /// The time of the decision that created it; only if decisions are late or certain, or members come at any time.
    public var decided: Decided?
    /// An external name; unique in its experiment.
    public var label: String?
    /// Additional data that was stored with the label.
    package var notes: [String: Value] = [:]

    /// True for the remains of a job that was deleted: it is not counted, and in a search without copies not shown.
    ///
    /// Its row stays, since places in the order of decisions depend on it.
    package var isDeleted: Bool {
        get { notes["deleted"] == true }
        set { notes["deleted"] = newValue ? true : nil }
    }

    /// The sequence numbers at which it finished before it was started again.
    package var earlierPlaces: [Int64] {
        get { notes["earlier"]?.array?.compactMap { $0.int.map { Int64($0) } } ?? [] }
        set { notes["earlier"] = .array(newValue.map { .integer(Int($0)) }) }
    }

    /// Creates a waiting interval.
    public init(
        id: IntervalID, parent: IntervalID?, hyperparameters: Hyperparameters, changes: [Change] = [], depth: Int,
        created: Timestamp
    ) {
        self.id = id
        self.parent = parent
        self.hyperparameters = hyperparameters
        self.changes = changes
        self.depth = depth
        state = .waiting
        metrics = [:]
        checkpointState = .none
        isPinned = false
        attempts = 0
        failures = 0
        self.created = created
    }

    /// True if it continues another checkpoint than that of its member's interval before it: another member's, or an
    /// earlier one of its own to which it returned.
    public var isExploit: Bool {
        id.isExploit(of: parent)
    }
}
