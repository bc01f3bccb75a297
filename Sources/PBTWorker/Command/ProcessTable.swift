// SPDX-License-Identifier: Apache-2.0

import PBTCheckpoints
import SystemPackage

#if os(Linux)
    /// The living processes of this machine at one moment, as `/proc` shows them.
    struct ProcessTable {
        /// One process.
        struct Entry {
            var number: Int32
            var parent: Int32
            var group: Int32
            var session: Int32
            /// When it began, as ``ProcessIdentity/start``.
            var start: UInt64
        }

        /// The processes by number; those that only wait to be reaped are left out.
        private(set) var entries: [Int32: Entry] = [:]

        /// Reads the table.
        ///
        /// - Parameter start: Processes that began before are left out.
        /// - Throws: A `PBTError` with code `inputOutput` when `/proc` cannot be read.
        init(since start: UInt64 = 0) throws {
            for name in try FileSystem.names(in: "/proc") {
                guard let number = Int32(name), let entry = Self.entry(of: number), entry.start >= start else {
                    continue
                }
                entries[number] = entry
            }
        }

        /// One living process; none when there is no such process.
        ///
        /// - Parameters:
        ///   - number: The process.
        ///   - evenIfDead: Whether one that only waits to be reaped counts.
        /// - Returns: What the table says of it; nil when there is no such process.
        static func entry(of number: Int32, evenIfDead: Bool = false) -> Entry? {
            // After the name in parentheses, which may hold anything: the state is field 3, the start field 22.
            guard let line = ProcessIdentity.text(of: "/proc/\(number)/stat"), let end = line.lastIndex(of: ")") else {
                return nil
            }
            let fields = line[line.index(after: end)...].split(separator: " ")
            guard fields.count > 19, evenIfDead || (fields[0] != "Z" && fields[0] != "X"),
                let parent = Int32(fields[1]),
                let group = Int32(fields[2]), let session = Int32(fields[3]), let start = UInt64(fields[19])
            else { return nil }
            return Entry(number: number, parent: parent, group: group, session: session, start: start)
        }

        /// Some processes with all their descendants, and with all processes of the sessions and groups that these lead.
        func closure(of roots: Set<Int32>) -> Set<Int32> {
            var members = roots
            var isGrowing = true
            while isGrowing {
                isGrowing = false
                for entry in entries.values where !members.contains(entry.number) {
                    guard
                        members.contains(entry.parent) || members.contains(entry.session)
                            || members.contains(entry.group)
                    else { continue }
                    members.insert(entry.number)
                    isGrowing = true
                }
            }
            return members
        }
    }
#endif
