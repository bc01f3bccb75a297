// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTCheckpoints
import PBTWorker
import SystemPackage

/// The temporary directory of a backup until it is complete: `.NAME.partial-PROCESS`, next to its destination.
enum PartialBackup {
    private static let mark = ".partial-"
    /// The number of bytes of the backup's name that are included: file names have at most 255.
    private static let longestName = 64

    /// Returns a path that no other process uses, and that identifies its process.
    ///
    /// - Parameters:
    ///   - name: The backup's name.
    ///   - parent: The directory of the backup.
    /// - Returns: The path.
    static func path(for name: String, in parent: FilePath) -> FilePath {
        var start = name
        while start.utf8.count > longestName { start.removeLast() }
        return parent.appending(".\(start)\(mark)\("\(WorkerName.current())".replacing("/", with: ","))")
    }

    /// Deletes the leftovers of processes that were killed on this machine.
    ///
    /// Directories of running processes are kept, and so are those of processes whose end cannot be seen from here: on
    /// another machine, or before this one was rebooted. Warns about what cannot be deleted, since this backup does not
    /// need it.
    ///
    /// - Parameter parent: The directory.
    /// - Throws: A `PBTError` with code `inputOutput` when it cannot be listed.
    static func removeStale(in parent: FilePath) throws {
        for name in try FileSystem.names(in: parent) where isStale(name) {
            do {
                try FileTree.remove(parent.appending(name))
            } catch {
                Output.warn("the unfinished backup \(parent.appending(name)) cannot be deleted: \(error)")
            }
        }
    }

    private static func isStale(_ name: String) -> Bool {
        guard name.hasPrefix("."), let place = name.ranges(of: mark).last else { return false }
        let process = String(name[place.upperBound...]).replacing(",", with: "/")
        return WorkerName(process)?.isKnownDead == true
    }
}
