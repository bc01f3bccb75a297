// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTCheckpoints
import PBTWorker
import SystemPackage

/// The directory in which a backup is made until it is whole: `.NAME.partial-PROCESS`, next to where it will be.
enum PartialBackup {
    private static let mark = ".partial-"
    /// How many bytes of the backup's name are part of it: file names have at most 255.
    private static let longestName = 64

    /// A path that no other process uses, and that says which one made it.
    ///
    /// - Parameters:
    ///   - name: The backup's name.
    ///   - parent: The directory that will hold it.
    /// - Returns: The path.
    static func path(for name: String, in parent: FilePath) -> FilePath {
        var start = name
        while start.utf8.count > longestName { start.removeLast() }
        return parent.appending(".\(start)\(mark)\("\(WorkerName.current())".replacing("/", with: ","))")
    }

    /// Deletes what processes that were killed on this machine left in a directory.
    ///
    /// What a living process makes stays, and so does what a process made whose end cannot be seen from here: of another
    /// machine, or before this one was restarted. What cannot be deleted is warned of; the backup at hand needs it not.
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
