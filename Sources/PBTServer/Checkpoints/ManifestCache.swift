// SPDX-License-Identifier: Apache-2.0

import PBTTransfer
import Synchronization
import SystemPackage

/// The manifests of some checkpoints: to make one, every byte is read.
final class ManifestCache: Sendable {
    private struct State {
        var manifests: [FilePath: Manifest] = [:]
        var order: [FilePath] = []
        var files = 0
    }

    private let state = Mutex(State())
    /// Files in all of them: some tens of megabytes.
    private let limit = 200_000

    /// The manifest of the checkpoint in a directory.
    subscript(path: FilePath) -> Manifest? {
        get { state.withLock { $0.manifests[path] } }
        set {
            guard let newValue else { return }
            state.withLock { state in
                guard state.manifests.updateValue(newValue, forKey: path) == nil else { return }
                state.order.append(path)
                state.files += newValue.files.count + 1
                while state.files > limit, state.order.count > 1 {
                    let dropped = state.manifests.removeValue(forKey: state.order.removeFirst())
                    state.files -= (dropped?.files.count ?? 0) + 1
                }
            }
        }
    }
}
