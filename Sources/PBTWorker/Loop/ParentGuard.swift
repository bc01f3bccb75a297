// SPDX-License-Identifier: Apache-2.0

import PBT
package import PBTCheckpoints
import SystemPackage

/// Finds out whether an attempt changed the checkpoint that it continues.
package struct ParentGuard {
    private let path: FilePath?
    private let seal: CheckpointSeal?

    /// The guard of an attempt's parent.
    package init(_ attempt: Attempt) {
        path = attempt.parentCheckpoint
        seal = attempt.parentSeal
    }

    /// How the checkpoint that the attempt continues differs from what it was before; empty when it does not.
    ///
    /// - Throws: A `PBTError` with code `inputOutput`.
    package func changes() throws -> [String] {
        guard let path, let seal else { return [] }
        guard try FileSystem.isDirectory(path) else { return ["the directory is gone"] }
        return try seal.changes(at: path)
    }

    /// How an attempt ended: failed, with the checkpoint's name, when that was changed while it ran.
    ///
    /// Where it was given back, its parent is looked at when it is trained again.
    func judged(_ end: AttemptEnd) -> AttemptEnd {
        switch end {
        case .interrupted, .unable: return end
        case .trained, .failed: break
        }
        do {
            let changes = try changes()
            guard changes.isEmpty else { return .failed(reason: reason(changes, end)) }
        } catch {
            // A disk that fails says nothing about the interval.
            return WorkerProblem(resource: error).map { .unable($0) }
                ?? .failed(reason: "the checkpoint that it continues cannot be read: \(error)")
        }
        guard case .failed(let reason) = end, path != nil else { return end }
        return .failed(reason: reason + Self.hint(for: reason))
    }

    private func reason(_ changes: [String], _ end: AttemptEnd) -> String {
        let own = if case .failed(let reason) = end { "; \(reason)" } else { "" }
        return
            "the checkpoint \(path?.lastComponent?.string ?? "") that it continues was changed while it was trained: "
            + "\(CheckpointSeal.text(of: changes)). The trainer must only read PBT_CHECKPOINT_IN, and save into "
            + "PBT_CHECKPOINT_OUT\(own)"
    }

    /// What a trainer that may not write seldom knows.
    package static func hint(for reason: String) -> String {
        reason.contains("Permission denied")
            ? " (files in PBT_CHECKPOINT_IN are read-only, and so are copies that keep their mode: save into "
                + "PBT_CHECKPOINT_OUT, and copy with shutil.copyfile or chmod u+w)" : ""
    }
}
