// SPDX-License-Identifier: Apache-2.0

public import PBT
import SystemPackage

extension DataDirectory {
    /// Finds out which checkpoints an experiment's founders continue.
    ///
    /// - Parameters:
    ///   - experiment: The definition, as it is about to be created or edited.
    ///   - store: Where it will be; `from` names an experiment there.
    /// - Returns: The definition with the best of that experiment, and the copies that an earlier definition has.
    /// - Throws: A `PBTError`: `noSuchExperiment`; `wrongState` when the other experiment has no checkpoint; the store's.
    public func resolvingFounders(of experiment: Experiment, in store: some Store) async throws -> Experiment {
        var experiment = experiment
        // Copies are named by copyFounders alone.
        experiment.founderCheckpoints = experiment.founderCheckpoints.withoutCopies
        do {
            experiment = experiment.withCopies(of: try await store.record(of: experiment.name).experiment)
        } catch let error as PBTError where error.code == .noSuchExperiment {
            // It is new.
        }
        let sources = experiment.founderCheckpoints.all.filter { $0.copy == nil }.compactMap { checkpoint in
            if case .checkpoint(_, let other) = checkpoint.source { other } else { String?.none }
        }
        // An error that names the experiment, rather than a checkpoint of it.
        for other in Set(sources).sorted() { _ = try await store.record(of: other) }
        if let from = experiment.founderCheckpoints.experiment, experiment.founderCheckpoints.own.isEmpty {
            let other = try await store.record(of: from).experiment
            experiment = try experiment.continuing(bestOf: try await store.intervals(of: from), in: other)
        }
        return experiment
    }

    /// Copies the checkpoints that an experiment's founders continue into its directory, unless they are there.
    ///
    /// Each copy is published like any checkpoint: whole or not at all, read-only, sealed, and on the disk before this
    /// returns. Copies stay as long as the experiment: a founder may be trained again.
    ///
    /// - Parameters:
    ///   - experiment: The definition, from ``resolvingFounders(of:in:)``.
    ///   - allowsPaths: Whether directories outside of this one may be read: not for those who only have a network
    ///     connection to this machine.
    /// - Returns: The definition with the names of the copies.
    /// - Throws: A `PBTError`: `noSuchCheckpoint`, `changedCheckpoint`; `badExperiment` for a directory that is not one, or
    ///   may not be read; `badValue` for what a checkpoint may not hold; `inputOutput`.
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

    /// Copies one checkpoint under the first free name.
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
                // What is published is read-only and may share its bytes; a directory of the user's is written to again.
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

    /// Publishes a copy; one of the same content that a create left behind, or that another process made, serves as well.
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
                    "initial: there is no checkpoint \(name) of \"\(experiment)\" (any more) for founders to continue")
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

    /// Returns the real path of a directory outside of this one, checked to be a checkpoint that can be copied whole.
    private func realDirectory(_ path: String) throws -> FilePath {
        guard try FileSystem.exists(FilePath(path)) else {
            throw PBTError(
                .badExperiment,
                "initial: the checkpoint \(path) does not exist (~ and $HOME are not expanded; a relative path begins at "
                    + "the experiment file)")
        }
        // A link is followed: to what it leads now.
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
