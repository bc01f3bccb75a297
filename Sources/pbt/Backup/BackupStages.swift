// SPDX-License-Identifier: Apache-2.0

import PBTCheckpoints
import PBTWorker
import SystemPackage

extension DataDirectory {
    /// A directory in the root for the hard links of a backup in progress.
    func backupStage() -> FilePath {
        root.appending(Self.stagePrefix + "\(WorkerName.current())".replacing("/", with: ","))
    }

    private static let stagePrefix = ".backup-"

    /// Deletes what backups left in the root whose processes on this machine were killed.
    ///
    /// - Returns: How many there were.
    /// - Throws: A `PBTError` with code `inputOutput`.
    @discardableResult
    func removeStaleStages() throws -> Int {
        let stale = try FileSystem.names(in: root).filter { name in
            name.hasPrefix(Self.stagePrefix)
                && WorkerName(String(name.dropFirst(Self.stagePrefix.count).replacing(",", with: "/")))?.isKnownDead
                    == true
        }
        for name in stale { try FileTree.remove(root.appending(name)) }
        return stale.count
    }
}
