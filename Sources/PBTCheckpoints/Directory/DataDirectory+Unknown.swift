// SPDX-License-Identifier: Apache-2.0

package import PBT
package import SystemPackage

extension DataDirectory {
    /// Returns the directories in the root with checkpoints or logs of experiments other than the given ones, by name.
    ///
    /// - Throws: A `PBTError` with code `inputOutput`.
    package func unknown(besides experiments: [String]) throws -> [FilePath] {
        let known = Set(experiments.map(Self.directoryName))
        return try FileSystem.names(in: root).filter { !$0.hasPrefix(".") && !known.contains($0) }
            .map { root.appending($0) }.filter { try Self.count(in: $0) > 0 }
    }

    /// Checks that there are no files of an experiment that the store does not have.
    ///
    /// A new experiment of that name would use the same names for its checkpoints and logs.
    ///
    /// - Throws: A `PBTError` with code `alreadyExists`, or an error of the store.
    package func checkUnclaimed(_ experiment: String, in store: some Store) async throws {
        // The files first: if another process creates the experiment meanwhile, the store has it by then.
        let directory = directory(of: experiment)
        let count = try Self.count(in: directory)
        guard count > 0 else { return }
        do {
            _ = try await store.record(of: experiment)
        } catch let error as PBTError where error.code == .noSuchExperiment {
            throw PBTError(
                .alreadyExists,
                "\(directory) holds \(count) checkpoints and logs of an experiment \"\(experiment)\" that the store does "
                    + "not know. If the store was deleted or replaced, put it back or restore it from a backup; to start "
                    + "over, delete the directory or give the experiment another name")
        }
    }

    /// Returns the number of checkpoints and logs in an experiment's directory.
    private static func count(in directory: FilePath) throws -> Int {
        try ["checkpoints", "logs"].reduce(0) { count, name in
            let path = directory.appending(name)
            guard try FileSystem.exists(path) else { return count }
            // An interrupted create can have left copies for founders.
            return count + (try FileSystem.names(in: path).count { CheckpointName($0)?.isFounderCopy != true })
        }
    }
}
