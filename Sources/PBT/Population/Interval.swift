// SPDX-License-Identifier: Apache-2.0

/// Names one interval: a member, and how many intervals that member had before it.
public struct IntervalID: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// The member, from 0.
    public var member: Int
    /// How many intervals the member had before this one.
    public var index: Int

    /// The interval of that member and index.
    public init(member: Int, index: Int) {
        self.member = member
        self.index = index
    }

    /// Orders by member, then index.
    public static func < (a: Self, b: Self) -> Bool {
        (a.member, a.index) < (b.member, b.index)
    }

    /// `MEMBER@INDEX`, as the command line takes it.
    public var description: String {
        "\(member)@\(index)"
    }

    /// Reads `MEMBER@INDEX`.
    public init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "@", omittingEmptySubsequences: false)
        guard parts.count == 2, let member = Int(parts[0]), let index = Int(parts[1]), member >= 0, index >= 0
        else { return nil }
        self.init(member: member, index: index)
    }

    /// The member's next interval.
    package var next: Self {
        Self(member: member, index: index + 1)
    }

    /// The interval as a JSON object with the keys `member` and `interval`.
    public var value: Value {
        ["member": .integer(member), "interval": .integer(index)]
    }
}

/// One stretch of training of one member: restore, train for a limited time, evaluate, save.
///
/// It is the unit of work, the row in the table, and the node of the genealogy.
public struct Interval: Sendable, Hashable, Identifiable {
    /// Where an interval stands.
    public enum State: String, Sendable, Hashable, CaseIterable {
        /// Nobody trains it; a worker may claim it.
        case waiting
        /// A worker has a lease on it.
        case running
        /// It has a finite score and a checkpoint.
        case done
        /// Its score is no finite number.
        case diverged
        /// Its retries are spent.
        case failed

        /// Whether nothing more will happen to it.
        public var isFinished: Bool {
            self == .done || self == .diverged || self == .failed
        }
    }

    /// What became of an interval's checkpoint.
    public enum CheckpointState: String, Sendable, Hashable {
        /// It has none (yet).
        case none
        /// It is kept.
        case kept
        /// Nothing needs it any more: its directory may be deleted at any time.
        case garbage
        /// Its directory was deleted.
        case deleted
    }

    /// When an interval was decided on, where that cannot be told from the interval before it.
    public struct Decided: Sendable, Hashable {
        /// How many intervals of the experiment had finished then.
        public var after: Int64
        /// How many late decisions were made before.
        public var order: Int64
        /// How many members there were.
        public var members: Int

        /// When an interval was decided on.
        public init(after: Int64, order: Int64, members: Int) {
            self.after = after
            self.order = order
            self.members = members
        }
    }

    /// Member and index.
    public var id: IntervalID
    /// The interval whose checkpoint this one continues; none for a founder, or a member that started afresh.
    public var parent: IntervalID?
    /// The hyperparameters that it trains with.
    public var hyperparameters: Hyperparameters
    /// What explore changed, when the interval took over a donor's hyperparameters.
    public var changes: [Change]
    /// How many intervals of training its checkpoint holds, this one counted: its depth in the genealogy.
    public var depth: Int
    /// Where it stands.
    public var state: State
    /// The objective's metric; a finite number when done, else what the trainer reported, if anything.
    public var score: Double?
    /// All metrics that the trainer reported.
    public var metrics: [String: Value]
    /// The name of its checkpoint.
    public var checkpoint: String?
    /// What became of its checkpoint.
    public var checkpointState: CheckpointState
    /// Whether its checkpoint is kept by hand.
    public var isPinned: Bool
    /// How often a worker began it.
    public var attempts: Int
    /// How many attempts failed: crashed, were killed, timed out, or lost their lease.
    public var failures: Int
    /// How many attempts each worker failed.
    package var failedBy: [String: Int] = [:]
    /// Why the last failed attempt failed, or why it is diverged.
    public var reason: String?
    /// The worker that has, or last had, a lease on it.
    public var worker: String?
    /// The secret of the current lease, as ``LeaseSecret`` stores it.
    package var token: String?
    /// When the current lease runs out.
    public var leaseExpires: Timestamp?
    /// When it was created.
    public var created: Timestamp
    /// When its last attempt began.
    public var started: Timestamp?
    /// When it was finished.
    public var finished: Timestamp?
    /// Its place in the order in which the experiment's intervals finished; decisions are re-derived in this order.
    public var sequence: Int64?
    /// Whether it is finished and its member goes on, but nobody has decided yet how.
    public var isUndecided = false
    /// When it was decided on; only where decisions are late, or members come at any time.
    public var decided: Decided?
    /// A name from outside, unique in its experiment.
    public var label: String?
    /// What else is kept with it by whoever gave it the label.
    package var notes: [String: Value] = [:]

    /// The places in the order at which it finished before it was begun again.
    package var earlierPlaces: [Int64] {
        get { notes["earlier"]?.array?.compactMap { $0.int.map { Int64($0) } } ?? [] }
        set { notes["earlier"] = .array(newValue.map { .integer(Int($0)) }) }
    }

    /// An interval that waits.
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

    /// Whether it continues another member's checkpoint.
    public var isExploit: Bool {
        parent.map { $0.member != id.member } ?? false
    }
}
