// SPDX-License-Identifier: Apache-2.0

import PBT
package import PBTCheckpoints
import SystemPackage

/// Detects changes of an attempt to the checkpoint that it continues.
package struct ParentGuard {
    private let path: FilePath?
    private let seal: CheckpointSeal?

    /// Creates a guard for the parent of an attempt.
    package init(_ attempt: Attempt) {
        path = attempt.parentCheckpoint
        seal = attempt.parentSeal
    }

    /// Returns the changes to the checkpoint that the attempt continues; empty if there are none.
    ///
    /// - Throws: A `PBTError` with code `inputOutput`.
    package func changes() throws -> [String] {
        guard let path, let seal else { return [] }
        guard try FileSystem.isDirectory(path) else { return ["the directory was deleted"] }
        return try seal.changes(at: path)
    }

    /// Returns the outcome of an attempt: failed if the checkpoint that it continues was changed.
    ///
    /// After an interruption the checkpoint is verified when the interval is trained again.
    func judged(_ end: AttemptEnd) -> AttemptEnd {
        switch end {
        case .interrupted, .unable: return end
        case .trained, .failed: break
        }
        do {
            let changes = try changes()
            guard changes.isEmpty else { return .failed(reason: reason(changes, end)) }
        } catch {
            // A failing disk is unrelated to the interval.
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

    /// Returns an explanation for a failure because of missing permissions; otherwise an empty string.
    package static func hint(for reason: String) -> String {
        reason.contains("Permission denied")
            ? " (files in PBT_CHECKPOINT_IN are read-only, and so are copies that keep their mode: save into "
                + "PBT_CHECKPOINT_OUT, and copy with shutil.copyfile or chmod u+w)" : ""
    }
}
