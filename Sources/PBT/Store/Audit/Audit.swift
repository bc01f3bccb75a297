// SPDX-License-Identifier: Apache-2.0

/// Every decision of a run, derived once more from the recorded rows and compared with what was recorded.
///
/// Decisions are pure, so whoever has an experiment's definition and its intervals can check them: the population is
/// rebuilt interval by interval in the order in which they finished, and ``Experiment/decide(after:in:strategies:at:)``
/// is asked again. Nothing but the rows is used, whichever store, machine or worker made them.
///
/// What was given by hand cannot be derived: the hyperparameters of a manual search's members are taken as they are,
/// and of a founder that was pushed, what was pushed.
public struct Audit: Sendable {
    /// One decision: what the rows say it must have been, and in what it differs from what is recorded.
    public struct Finding: Sendable, Hashable {
        /// The decision, derived once more.
        public var decision: Decision
        /// How many members could be ranked when it was made.
        public var rankedCount: Int
        /// The member's rank then, 0 being the best; none when it could not be ranked.
        public var rank: Int?
        /// How its donor was chosen; only for decisions that details were asked of, and where the experiment exploits
        /// by a rule that is not a strategy written in Swift.
        public var choice: ExploitChoice?
        /// The number of the definition's revision by which it was made.
        public var revision: Int
        /// The member's next interval as it is recorded; none when there is none.
        public var recorded: Interval?
        /// What is recorded otherwise, each as a clause; empty when all is identical, bit for bit.
        public var differences: [String]

        /// The interval that finished.
        public var interval: IntervalID {
            decision.interval
        }

        /// Whether parent, hyperparameters and changes are recorded as they were derived, bit for bit.
        public var isIdentical: Bool {
            differences.isEmpty
        }
    }

    /// Something recorded that the rows before it do not lead to.
    public struct Mismatch: Sendable, Hashable, CustomStringConvertible {
        /// The interval whose row is meant.
        public var interval: IntervalID
        /// What is wrong with it, as a clause.
        public var problem: String

        /// One sentence for a person.
        public var description: String {
            "\(interval): \(problem)"
        }
    }

    /// A member's first interval: where its hyperparameters come from, and in what they differ from what is recorded.
    public struct Founder: Sendable, Hashable {
        /// Where a founder's hyperparameters come from.
        public enum Origin: Sendable, Hashable {
            /// Drawn from the space.
            case sampled
            /// Listed in the definition, these names; the others drawn from the space.
            case listed([String])
            /// Queued by hand before it began, these names; the others as they were.
            case pushed([String])
            /// The first entry of the schedule that is replayed.
            case schedule
            /// A member of a manual search: as it is.
            case manual
        }

        /// The interval.
        public var interval: IntervalID
        /// Where its hyperparameters come from.
        public var origin: Origin
        /// The number of the definition's revision by which it was created.
        public var revision: Int
        /// What is recorded otherwise, each as a clause; empty when all is identical, bit for bit.
        public var differences: [String]

        /// Whether it is recorded as it was derived, bit for bit.
        public var isIdentical: Bool {
            differences.isEmpty
        }
    }

    /// The revisions of the definition, by number.
    public let revisions: [Revision]
    /// Every decision, in the order in which they were made.
    public let findings: [Finding]
    /// Every founder, by member.
    public let founders: [Founder]
    /// Everything that is recorded otherwise than the rows lead to: of founders, of decisions, and of the order.
    public let mismatches: [Mismatch]

    /// Derives and compares every founder and every decision of a run.
    ///
    /// - Parameters:
    ///   - experiment: The definition.
    ///   - intervals: All of its intervals, in any order, as of one moment.
    ///   - strategies: The strategies written in Swift that the definition names.
    ///   - isDetailed: Of which decisions ``Finding/choice`` is wanted, by the interval that finished; of all by
    ///     default. The candidates of all decisions of a large population need much memory.
    /// - Throws: A ``PBTError`` with code ``PBTError/Code/noSuchStrategy`` when a strategy is missing.
    public init(
        experiment: Experiment, intervals: [Interval], strategies: Strategies = Strategies(),
        detailsOf isDetailed: (IntervalID) -> Bool = { _ in true }
    ) throws {
        let only = Revision(
            number: 0, time: Timestamp(milliseconds: 0), experiment: experiment, after: 0, order: 0)
        try self.init(revisions: [only], intervals: intervals, strategies: strategies, detailsOf: isDetailed)
    }

    /// Derives and compares every founder and every decision of a run whose definition was edited, each by the revision
    /// that was in force when it was made.
    ///
    /// - Parameters:
    ///   - revisions: The revisions by number; at least the one that the experiment was created with.
    ///   - intervals: All of its intervals, in any order, as of one moment, which is the revisions' moment too.
    ///   - strategies: The strategies written in Swift that the definitions name.
    ///   - isDetailed: See ``init(experiment:intervals:strategies:detailsOf:)``.
    /// - Throws: A ``PBTError`` with code ``PBTError/Code/noSuchStrategy`` when a strategy is missing, or
    ///   ``PBTError/Code/badValue`` without a revision.
    public init(
        revisions: [Revision], intervals: [Interval], strategies: Strategies = Strategies(),
        detailsOf isDetailed: (IntervalID) -> Bool = { _ in true }
    ) throws {
        for revision in revisions { try strategies.check(revision.experiment) }
        guard var replay = AuditReplay(revisions: revisions, intervals: intervals, strategies: strategies) else {
            throw PBTError(.badValue, "an audit needs the definition that the experiment was created with")
        }
        try replay.run(detailsOf: isDetailed)
        self.revisions = revisions
        findings = replay.findings
        founders = replay.founders
        mismatches = replay.mismatches
    }

    /// The definition that a revision's number stands for.
    public func experiment(ofRevision number: Int) -> Experiment? {
        revisions.first { $0.number == number }?.experiment
    }

    /// The decision that followed an interval, if it is made yet.
    public func finding(after interval: IntervalID) -> Finding? {
        findings.first { $0.interval == interval }
    }

    /// The decision that an interval came from; none for a founder.
    public func finding(leadingTo interval: IntervalID) -> Finding? {
        findings.first { $0.interval.member == interval.member && $0.interval.index + 1 == interval.index }
    }
}
