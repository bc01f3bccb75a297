// SPDX-License-Identifier: Apache-2.0

public import PBT
import SystemPackage

extension DataDirectory {
    /// Resolves the checkpoints that the founders of an experiment continue.
    ///
    /// - Parameters:
    ///   - experiment: The definition, as it is about to be created or edited.
    ///   - store: The store of the experiment; `from` names another experiment in it.
    /// - Returns: The definition with the best checkpoints of that experiment, and with the copies that the stored
    ///   definition has.
    /// - Throws: A `PBTError`: `noSuchExperiment`; `wrongState` if the other experiment has no checkpoint; an error of
    ///   the store.
    public func resolvingFounders(of experiment: Experiment, in store: some Store) async throws -> Experiment {
        var experiment = experiment
        // Only copyFounders names copies.
        experiment.founderCheckpoints = experiment.founderCheckpoints.withoutCopies
        do {
            experiment = experiment.withCopies(of: try await store.record(of: experiment.name).experiment)
        } catch let error as PBTError where error.code == .noSuchExperiment {
            // The experiment is new.
        }
        let sources = experiment.founderCheckpoints.all.filter { $0.copy == nil }.compactMap { checkpoint in
            if case .checkpoint(_, let other) = checkpoint.source { other } else { String?.none }
        }
        // Fails with an error that names the experiment instead of a checkpoint.
        for other in Set(sources).sorted() { _ = try await store.record(of: other) }
        if let from = experiment.founderCheckpoints.experiment, experiment.founderCheckpoints.own.isEmpty {
            let other = try await store.record(of: from).experiment
            experiment = try experiment.continuing(bestOf: try await store.intervals(of: from), in: other)
        }
        return experiment
    }

    /// Copies the checkpoints that the founders of an experiment continue into its directory, unless that was done
    /// before.
    ///
    /// Each copy is published like any checkpoint: atomically, read-only, sealed, and flushed before this returns.
    /// Copies are kept as long as the experiment: a founder can be trained again.
    ///
    /// - Parameters:
    ///   - experiment: The definition, from ``resolvingFounders(of:in:)``.
    ///   - allowsPaths: True if directories outside of this one may be read; false for requests over a network.
    /// - Returns: The definition with the names of the copies.
    /// - Throws: A `PBTError`: `noSuchCheckpoint`, `changedCheckpoint`; `badExperiment` for a path that is not a
    ///   directory or must not be read; `badValue` for entries that a checkpoint must not contain; `inputOutput`.
    public func copyFounders(of experiment: Experiment, allowingPaths allowsPaths: Bool) throws -> Experiment {
        guard !experiment.founderCheckpoints.isCopied else { return experiment }
        var result = experiment
        var copies: [FounderCheckpoint.Source: CheckpointName] = [:]
        var taken = Set(experiment.founderCheckpoints.all.compactMap(\.copy))
        result.founderCheckpoints = try experiment.founderCheckpoints.map { checkpoint in
            guard checkpoint.copy == nil else { return checkpoint }
            let name =
                try copies[checkpoint.source] ?? copy(checkpoint.source, into: experiment.name, &taken, allowsPaths)
            copies[checkpoint.source] = name
            return FounderCheckpoint(checkpoint.source, copy: name)
        }
        return result
    }

    /// Copies a checkpoint under the first free name.
    private func copy(
        _ source: FounderCheckpoint.Source, into experiment: String, _ taken: inout Set<CheckpointName>,
        _ allowsPaths: Bool
    ) throws -> CheckpointName {
        let (path, isOurs) = try place(of: source, allowsPaths)
        try prepare(experiment)
        let draft = attempts(of: experiment).appending(
            ".founder-\(String(UInt64.random(in: 0 ... .max), radix: 36))")
        do {
            do {
                // A published checkpoint is read-only and can be linked; a user's directory can be written to again.
                try FileReplica.make(path, at: draft, linking: isOurs)
            } catch is FileReplica.Vanished {
                throw PBTError(.noSuchCheckpoint, "the checkpoint \(source) was deleted while it was copied; try again")
            }
            if !isOurs { try CheckpointLinks.settle(copy: draft, of: path) }
            return try publish(draft, in: experiment, &taken)
        } catch {
            try FileTree.remove(draft)
            throw error
        }
    }

    /// Publishes a copy, unless an interrupted call or another process has left a copy of the same content.
    private func publish(
        _ draft: FilePath, in experiment: String, _ taken: inout Set<CheckpointName>
    ) throws -> CheckpointName {
        let seal = try CheckpointSeal(of: draft)
        var number = 0
        while true {
            let name = CheckpointName(IntervalID(member: number, index: 0), attempt: 0)
            number += 1
            guard taken.insert(name).inserted else { continue }
            // An empty directory reserves the name among processes; the rename replaces it.
            if try FileSystem.makeNewDirectory(checkpoint("\(name)", of: experiment)) {
                try publish(draft, as: "\(name)", of: experiment)
                return name
            }
            guard let other = try self.seal(of: "\(name)", in: experiment), other.isSameContent(as: seal),
                try other.changes(at: checkpoint("\(name)", of: experiment)).isEmpty
            else { continue }
            try FileTree.remove(draft)
            return name
        }
    }

    private func place(
        of source: FounderCheckpoint.Source, _ allowsPaths: Bool
    ) throws -> (path: FilePath, isOurs: Bool) {
        switch source {
        case .checkpoint(let name, let experiment):
            guard try isPublished("\(name)", of: experiment) else {
                throw PBTError(
                    .noSuchCheckpoint,
                    "initial: there is no checkpoint \(name) of \"\(experiment)\" for founders to continue")
            }
            let path = try published("\(name)", of: experiment)
            try checkUnchanged("\(name)", of: experiment)
            guard try !FileSystem.names(in: path).isEmpty else {
                throw PBTError(
                    .badExperiment,
                    "initial: the checkpoint \(name) of \"\(experiment)\" is empty: its trainer saved nothing, so founders "
                        + "could not continue it")
            }
            return (path, true)
        case .directory(let path):
            guard allowsPaths else {
                throw PBTError(
                    .badExperiment,
                    "initial: the checkpoint \(path) is a path, which a server does not read for its clients; create the "
                        + "experiment on the server's machine, or continue an experiment of the server with from: NAME")
            }
            return (try realDirectory(path), false)
        }
    }

    /// Returns the real path of a directory outside of this one, verified to be a checkpoint that can be copied.
    private func realDirectory(_ path: String) throws -> FilePath {
        guard try FileSystem.exists(FilePath(path)) else {
            throw PBTError(
                .badExperiment,
                "initial: the checkpoint \(path) does not exist (~ and $HOME are not expanded; a relative path begins at "
                    + "the experiment file)")
        }
        // A link is resolved now.
        let real = try FileSystem.realPath(FilePath(path))
        guard try FileSystem.isDirectory(real) else {
            throw PBTError(
                .badExperiment,
                "initial: the checkpoint \(path) is not a directory; name the directory that holds what a trainer saved "
                    + "in PBT_CHECKPOINT_OUT")
        }
        guard try !FileSystem.names(in: real).isEmpty else {
            throw PBTError(.badExperiment, "initial: the checkpoint \(path) is an empty directory")
        }
        try makeRoot()
        let own = try FileSystem.realPath(root).string.pathNames(omittingEmpty: true)
        guard !own.starts(with: real.string.pathNames(omittingEmpty: true)) else {
            throw PBTError(
                .badExperiment,
                "initial: the checkpoint \(path) holds the data directory \(root), into which it would be copied; name "
                    + "the directory that holds the checkpoint alone")
        }
        let links = try CheckpointLinks.find(in: real).filter { $0.problem != nil }
        guard links.isEmpty else {
            throw PBTError(
                .badExperiment,
                "initial: the checkpoint \(path) cannot be copied: "
                    + links.prefix(5).map(\.description).joined(separator: ", ")
                    + "; put the files themselves there (cp -L)")
        }
        return real
    }
}
