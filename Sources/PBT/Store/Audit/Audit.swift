// SPDX-License-Identifier: Apache-2.0

/// An audit of a run: every decision, re-derived from the recorded rows and compared with the record.
///
/// Decisions are pure, so they can be checked with an experiment's definition and its intervals alone: the population
/// is rebuilt interval by interval in the order in which they finished, and
/// ``Experiment/decide(after:in:learningFrom:strategies:at:revised:)`` is called again. Only the rows are used, whichever store, machine, or
/// worker wrote them.
///
/// Values given by hand cannot be derived: the hyperparameters of a manual search's members and those that were pushed
/// to founders are accepted as they are.
public struct Audit: Sendable {
    /// A re-derived decision and its differences from the record.
    public struct Finding: Sendable, Hashable {
        /// The decision as derived from the rows.
        public var decision: Decision
        /// The number of members that could be ranked when it was made.
        public var rankedCount: Int
        /// The member's rank at that time, 0 being the best; nil if it could not be ranked.
        public var rank: Int?
        /// The number of members whose scores were missing and not waited for; 0 if the decision was certain, and with
        /// timings that wait for no score.
        public var missing = 0
        /// The steps of the choice of its donor; only if details were requested, and if the exploit rule is not a
        /// strategy written in Swift.
        public var choice: ExploitChoice?
        /// The number of the revision of the definition that it was made with.
        public var revision: Int
        /// The member's next interval as recorded; nil if there is none.
        public var recorded: Interval?
        /// The differences from the record, each as a clause; empty if it is identical bit for bit.
        public var differences: [String]

        /// The interval that finished.
        public var interval: IntervalID {
            decision.interval
        }

        /// True if parent, hyperparameters, and changes are recorded as derived, bit for bit.
        public var isIdentical: Bool {
            differences.isEmpty
        }
    }

    /// A record that does not follow from the rows before it.
    public struct Mismatch: Sendable, Hashable, CustomStringConvertible {
        /// The interval with the row in question.
        public var interval: IntervalID
        /// The problem, as a clause.
        public var problem: String

        /// The mismatch as one sentence.
        public var description: String {
            "\(interval): \(problem)"
        }
    }

    /// A re-derived first interval of a member and its differences from the record.
    public struct Founder: Sendable, Hashable {
        /// The origin of a founder's hyperparameters.
        public enum Origin: Sendable, Hashable {
            /// Drawn from the space.
            case sampled
            /// Listed in the definition for these names; the others were drawn from the space.
            case listed([String])
            /// Queued by hand before it started for these names; the others were unchanged.
            case pushed([String])
            /// The first entry of the schedule that is replayed.
            case schedule
            /// A member of a manual search: accepted as it is.
            case manual
        }

        /// The interval.
        public var interval: IntervalID
        /// The origin of its hyperparameters.
        public var origin: Origin
        /// The number of the revision of the definition that it was created with.
        public var revision: Int
        /// The differences from the record, each as a clause; empty if it is identical bit for bit.
        public var differences: [String]

        /// True if it is recorded as derived, bit for bit.
        public var isIdentical: Bool {
            differences.isEmpty
        }
    }

    /// The revisions of the definition, by number.
    public let revisions: [Revision]
    /// All decisions, in the order in which they were made.
    public let findings: [Finding]
    /// All founders, by member.
    public let founders: [Founder]
    /// All mismatches: of founders, of decisions, and of the order.
    public let mismatches: [Mismatch]

    /// Derives and compares every founder and every decision of a run.
    ///
    /// - Parameters:
    ///   - experiment: The definition.
    ///   - intervals: All of its intervals, in any order, from one snapshot.
    ///   - strategies: The strategies written in Swift that the definition names.
    ///   - isDetailed: Returns true for intervals whose decision needs ``Finding/choice``; all by default. The
    ///     candidates of all decisions of a large population take much memory.
    /// - Throws: A ``PBTError`` with code ``PBTError/Code/noSuchStrategy`` if a strategy is missing.
    public init(
        experiment: Experiment, intervals: [Interval], strategies: Strategies = Strategies(),
        detailsOf isDetailed: (IntervalID) -> Bool = { _ in true }
    ) throws {
        let only = Revision(
            number: 0, time: Timestamp(milliseconds: 0), experiment: experiment, after: 0, order: 0)
        try self.init(revisions: [only], intervals: intervals, strategies: strategies, detailsOf: isDetailed)
    }

    /// Derives and compares every founder and every decision of a run whose definition was edited, each with the
    /// revision that was in force at the time.
    ///
    /// - Parameters:
    ///   - revisions: The revisions by number; at least the one that the experiment was created with.
    ///   - intervals: All of its intervals, in any order, from the same snapshot as the revisions.
    ///   - strategies: The strategies written in Swift that the definitions name.
    ///   - isDetailed: See ``init(experiment:intervals:strategies:detailsOf:)``.
    /// - Throws: A ``PBTError`` with code ``PBTError/Code/noSuchStrategy`` if a strategy is missing, or
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

    /// Returns the definition of a revision.
    public func experiment(ofRevision number: Int) -> Experiment? {
        revisions.first { $0.number == number }?.experiment
    }

    /// Returns the decision that followed an interval, if it was made.
    public func finding(after interval: IntervalID) -> Finding? {
        findings.first { $0.interval == interval }
    }

    /// Returns the decision that created an interval; nil for a founder.
    public func finding(leadingTo interval: IntervalID) -> Finding? {
        findings.first { $0.interval.member == interval.member && $0.interval.index + 1 == interval.index }
    }
}
