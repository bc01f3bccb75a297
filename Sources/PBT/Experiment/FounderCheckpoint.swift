// SPDX-License-Identifier: Apache-2.0

/// A checkpoint that a founder continues, instead of starting with an untrained model.
///
/// It is copied when the experiment is created; later changes to the original have no effect.
public struct FounderCheckpoint: Sendable, Hashable {
    /// The source of a checkpoint.
    public enum Source: Sendable, Hashable {
        /// A directory; absolute.
        case directory(String)
        /// A checkpoint of another experiment in the same store.
        case checkpoint(CheckpointName, of: String)
    }

    /// The source that it is copied from.
    public var source: Source
    /// The name of the copy in the experiment; nil until it is copied.
    public var copy: CheckpointName?

    /// Creates a checkpoint to continue.
    public init(_ source: Source, copy: CheckpointName? = nil) {
        self.source = source
        self.copy = copy
    }

    /// The checkpoint as in an experiment file.
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
    /// The experiment whose best members the founders continue; nil if checkpoints are listed individually.
    public var experiment: String?
    /// The checkpoint of all founders without one of their own.
    public var shared: FounderCheckpoint?
    /// The checkpoints of individual founders, by member.
    public var own: [Int: FounderCheckpoint]

    /// Creates a set of checkpoints; none by default.
    public init(
        from experiment: String? = nil, shared: FounderCheckpoint? = nil, own: [Int: FounderCheckpoint] = [:]
    ) {
        self.experiment = experiment
        self.shared = shared
        self.own = own
    }

    /// True if every founder starts with an untrained model.
    public var isEmpty: Bool {
        experiment == nil && shared == nil && own.isEmpty
    }

    /// True if all checkpoints that founders continue have been copied.
    public var isCopied: Bool {
        all.allSatisfy { $0.copy != nil } && (experiment == nil || !own.isEmpty)
    }

    /// The checkpoint that a founder continues.
    ///
    /// With ``experiment``, founders beyond the number of its members that were copied start over with the best of
    /// them.
    ///
    /// - Parameter member: The founder, from 0.
    /// - Returns: The checkpoint; nil for an untrained model.
    public subscript(member: Int) -> FounderCheckpoint? {
        if let own = own[member] { return own }
        if experiment != nil, !own.isEmpty, member >= 0 { return own[member % own.count] }
        return shared
    }

    /// All checkpoints, in order of member, the shared one last.
    package var all: [FounderCheckpoint] {
        own.sorted { $0.key < $1.key }.map(\.value) + (shared.map { [$0] } ?? [])
    }

    /// Returns the checkpoints with a transformation applied to each.
    package func map(_ change: (FounderCheckpoint) throws -> FounderCheckpoint) rethrows -> Self {
        var changed = self
        changed.shared = try shared.map(change)
        changed.own = try own.mapValues(change)
        return changed
    }

    /// Returns the checkpoints for another experiment in the store, which continues the copies of this one.
    package func inExperiment(_ name: String) -> Self {
        map { checkpoint in
            checkpoint.copy.map { FounderCheckpoint(.checkpoint($0, of: name)) } ?? checkpoint
        }
    }

    /// The checkpoints without the names of copies, as in an experiment file.
    package var withoutCopies: Self {
        map { FounderCheckpoint($0.source) }
    }
}
