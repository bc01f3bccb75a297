// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTCheckpoints
import Synchronization
import SystemPackage

/// The manifests of some checkpoints: to make one, every byte is read.
final class ManifestCache: Sendable {
    /// One checkpoint: of one experiment, in one directory.
    ///
    /// A new experiment of an old name, and a new directory at an old path, are others.
    struct Key: Hashable, Sendable {
        private let experiment: Int64
        private let created: Timestamp
        private let path: FilePath
        private let directory: FileIdentity

        /// The key of the checkpoint in a directory.
        ///
        /// Blocks.
        ///
        /// - Throws: A `PBTError` with code `inputOutput`.
        init(_ path: FilePath, of record: ExperimentRecord) throws {
            experiment = record.id
            created = record.created
            self.path = path
            directory = try FileIdentity(of: path)
        }
    }

    private struct State {
        var manifests: [Key: Manifest] = [:]
        var order: [Key] = []
        var files = 0
    }

    private let state = Mutex(State())
    /// Files in all of them: some tens of megabytes.
    private let limit = 200_000

    /// The manifest of a checkpoint.
    subscript(key: Key) -> Manifest? {
        get { state.withLock { $0.manifests[key] } }
        set {
            guard let newValue else { return }
            state.withLock { state in
                guard state.manifests.updateValue(newValue, forKey: key) == nil else { return }
                state.order.append(key)
                state.files += newValue.files.count + 1
                while state.files > limit, state.order.count > 1 {
                    let dropped = state.manifests.removeValue(forKey: state.order.removeFirst())
                    state.files -= (dropped?.files.count ?? 0) + 1
                }
            }
        }
    }
}
