// SPDX-License-Identifier: Apache-2.0

/// A checkpoint that a founder continues, instead of starting with an untrained model.
///
/// It is copied into the experiment when the experiment is created: what happens to the original later does not matter.
public struct FounderCheckpoint: Sendable, Hashable {
    /// Where a checkpoint is copied from.
    public enum Source: Sendable, Hashable {
        /// A directory; absolute.
        case directory(String)
        /// A checkpoint of another experiment in the same store.
        case checkpoint(CheckpointName, of: String)
    }

    /// Where it is copied from.
    public var source: Source
    /// The name of the copy in the experiment; nil until it is made.
    public var copy: CheckpointName?

    /// A checkpoint to continue.
    public init(_ source: Source, copy: CheckpointName? = nil) {
        self.source = source
        self.copy = copy
    }

    /// As an experiment file writes it.
    public var value: Value {
        var object: [String: Value]
        switch source {
        case .directory(let path):
            if copy == nil { return .string(path) }
            object = ["path": .string(path)]
        case .checkpoint(let name, let experiment):
            object = ["experiment": .string(experiment), "checkpoint": .string("\(name)")]
        }
        object["copy"] = copy.map { .string("\($0)") }
        return .object(object)
    }
}

extension FounderCheckpoint.Source: CustomStringConvertible {
    /// The source in a sentence: a path, or `m0003-i0007-a1 of "mnist"`.
    public var description: String {
        switch self {
        case .directory(let path): path
        case .checkpoint(let name, let experiment): "\(name) of \"\(experiment)\""
        }
    }
}

/// The checkpoints that an experiment's founders continue.
public struct FounderCheckpoints: Sendable, Hashable {
    /// The experiment whose best members the founders continue; none when checkpoints are named one by one.
    public var experiment: String?
    /// The checkpoint of every founder that has none of its own.
    public var shared: FounderCheckpoint?
    /// The checkpoints of single founders, by member.
    public var own: [Int: FounderCheckpoint]

    /// The checkpoints that founders continue; none by default.
    public init(
        from experiment: String? = nil, shared: FounderCheckpoint? = nil, own: [Int: FounderCheckpoint] = [:]
    ) {
        self.experiment = experiment
        self.shared = shared
        self.own = own
    }

    /// Whether every founder starts with an untrained model.
    public var isEmpty: Bool {
        experiment == nil && shared == nil && own.isEmpty
    }

    /// Whether everything is copied that founders continue.
    public var isCopied: Bool {
        all.allSatisfy { $0.copy != nil } && (experiment == nil || !own.isEmpty)
    }

    /// The checkpoint that a founder continues.
    ///
    /// With ``experiment``, founders beyond the members that it gave begin again with the best of them.
    ///
    /// - Parameter member: The founder, from 0.
    /// - Returns: The checkpoint; nil for an untrained model.
    public subscript(member: Int) -> FounderCheckpoint? {
        if let own = own[member] { return own }
        if experiment != nil, !own.isEmpty, member >= 0 { return own[member % own.count] }
        return shared
    }

    /// Every checkpoint, in order of member, the shared one last.
    package var all: [FounderCheckpoint] {
        own.sorted { $0.key < $1.key }.map(\.value) + (shared.map { [$0] } ?? [])
    }

    /// Returns the same with each checkpoint changed.
    package func map(_ change: (FounderCheckpoint) throws -> FounderCheckpoint) rethrows -> Self {
        var changed = self
        changed.shared = try shared.map(change)
        changed.own = try own.mapValues(change)
        return changed
    }

    /// The same for another experiment in the store: it continues the copies that an experiment has.
    package func inExperiment(_ name: String) -> Self {
        map { checkpoint in
            checkpoint.copy.map { FounderCheckpoint(.checkpoint($0, of: name)) } ?? checkpoint
        }
    }

    /// The same without the names of copies, as somebody would write it.
    package var withoutCopies: Self {
        map { FounderCheckpoint($0.source) }
    }
}

extension Experiment {
    /// The experiment with the copies that an earlier definition of it has.
    ///
    /// A file names sources only; what was copied from the same source stands for it. What an earlier definition took from
    /// the best members of an experiment stays what it took, also when this one, which came without `--from`, names none.
    package func withCopies(of earlier: Experiment) -> Experiment {
        var result = self
        let own = founderCheckpoints
        if let experiment = earlier.founderCheckpoints.experiment, own.shared == nil,
            own.experiment == experiment || own.isEmpty && initial.isEmpty
        {
            result.founderCheckpoints = earlier.founderCheckpoints
            result.initial = earlier.initial
            return result
        }
        let known = Dictionary(
            earlier.founderCheckpoints.all.map { ($0.source, $0.copy) }, uniquingKeysWith: { first, _ in first })
        result.founderCheckpoints = founderCheckpoints.map { checkpoint in
            FounderCheckpoint(checkpoint.source, copy: known[checkpoint.source].flatMap(\.self) ?? checkpoint.copy)
        }
        return result
    }

    /// The experiment whose founders continue the best members of another one.
    ///
    /// The k-th founder takes over the hyperparameters and the checkpoint of the k-th best member, of those that the
    /// truncation of PBT would copy: the best fifth, at least one. A hyperparameter that this space lacks is dropped; one
    /// that the other space lacked, or whose value this space does not allow, is sampled.
    ///
    /// - Parameters:
    ///   - intervals: The intervals of the other experiment.
    ///   - other: The other experiment's definition.
    /// - Returns: The experiment with its `initial` hyperparameters and checkpoints, not copied yet.
    /// - Throws: A ``PBTError`` with code ``PBTError/Code/wrongState`` when no member has a checkpoint.
    package func continuing(bestOf intervals: [Interval], in other: Experiment) throws -> Experiment {
        var best: [Int: Interval] = [:]
        for interval in intervals where interval.state == .done && interval.checkpointState == .kept {
            guard interval.checkpointName != nil, let score = interval.score, score.isFinite else { continue }
            if let known = best[interval.id.member]?.score, !other.objective.isBetter(score, than: known) { continue }
            best[interval.id.member] = interval
        }
        let ranked = best.values.sorted { a, b in
            let (first, second) = (a.score ?? .nan, b.score ?? .nan)
            if first != second { return other.objective.isBetter(first, than: second) }
            return a.id < b.id
        }
        guard !ranked.isEmpty else {
            throw PBTError(
                .wrongState,
                "no member of \"\(other.name)\" has a checkpoint that founders could continue; train it first, or leave "
                    + "out from")
        }
        let members = Set(intervals.map(\.id.member)).count
        let most = takesMembers ? ranked.count : max(1, min(population, ranked.count))
        let count = max(1, min(most, (members + 2) / 5))
        var result = self
        result.initial = ranked.prefix(count).map { allowed($0.hyperparameters) }
        for (member, interval) in ranked.prefix(count).enumerated() {
            guard let name = interval.checkpointName else { continue }
            result.founderCheckpoints.own[member] = FounderCheckpoint(.checkpoint(name, of: other.name))
        }
        return result
    }

    /// Throws when a checkpoint that founders continue was not copied.
    package func checkFoundersCopied() throws {
        guard founderCheckpoints.shared == nil || initial.isEmpty && founderCheckpoints.own.isEmpty else {
            throw PBTError(
                .badExperiment,
                "founders of \"\(name)\" have both a shared checkpoint and initial values of their own; keep one of the two"
            )
        }
        guard !founderCheckpoints.isCopied else { return }
        let source =
            founderCheckpoints.all.first { $0.copy == nil }.map { "the checkpoint \($0.source)" }
            ?? "the best of \"\(founderCheckpoints.experiment ?? "")\""
        throw PBTError(
            .badExperiment,
            "founders of \"\(name)\" cannot continue \(source): it was not copied into the experiment's data directory; "
                + "create the experiment with pbt create, pbt run, or a server")
    }

    /// Those of the hyperparameters that the space allows.
    private func allowed(_ given: Hyperparameters) -> Hyperparameters {
        guard !space.dimensions.isEmpty else { return given }
        var allowed: [String: Value] = [:]
        for (name, value) in given.values {
            guard let dimension = space[name], dimension.complaint(about: value) == nil else { continue }
            allowed[name] = value
        }
        return Hyperparameters(allowed)
    }
}
