// SPDX-License-Identifier: Apache-2.0

import LibC
public import PBT
public import PBTCheckpoints
import SystemPackage

/// What may be left of an attempt whose worker was killed: its trainer, in a process group of its own.
struct Leftovers {
    /// The attempt's directory.
    let directory: FilePath

    init(of directory: FilePath) {
        self.directory = directory
    }

    private var file: FilePath { directory.appending("process") }

    /// Notes which process group an attempt runs in.
    func record(group: Int32) throws {
        let start = ProcessIdentity.startTime(of: group) ?? 0
        try FileSystem.write("\(group) \(start) \(ProcessIdentity.thisMachine)\n", to: file)
    }

    /// The process that was noted, if any.
    func recorded() throws -> ProcessIdentity? {
        guard let bytes = try FileSystem.tail(of: file, limit: 1024) else { return nil }
        let parts = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isWhitespace)
        guard parts.count == 3, let number = Int32(parts[0]), number > 1, let start = UInt64(parts[1]) else {
            return nil
        }
        return ProcessIdentity(machine: String(parts[2]), number: number, start: start)
    }

    /// Kills what runs on this machine and belongs to the attempt, and returns how many processes or groups that were.
    ///
    /// A process belongs to it when it leads the group that was noted and began when that did. On Linux every process
    /// is found that has the attempt's scope or directory in its environment, and every descendant of one that is found:
    /// also one that left the group, and one whose worker died before it could note the group.
    @discardableResult
    func kill() throws -> Int {
        var killed = 0
        let leader = try livingLeader()
        #if os(Linux)
            // What descends from it can be told only as long as it lives. Its group is part of that.
            if let leader { killed += Self.kill(try Self.tree(of: [leader.number])) }
        #else
            if let leader, end(-leader.number) { killed += 1 }
        #endif
        #if os(Linux)
            // Again until none is left: one that is found may have started another meanwhile.
            for _ in 0..<10 {
                let found = try Self.tree(of: Set(marked()))
                killed += Self.kill(found)
                if found.isEmpty { break }
            }
        #endif
        return killed
    }

    /// Kills what runs on this machine and belongs to a program of an experiment, if the program ran on this machine.
    ///
    /// - Returns: Whether what was noted is of this machine, so that the note may be deleted now.
    func killRecorded() throws -> Bool {
        guard let leader = try recorded() else {
            try kill()
            return true
        }
        guard leader.machine == ProcessIdentity.thisMachine else { return false }
        try kill()
        return true
    }

    /// The process that was noted, if it is of this machine and still the process that it was.
    private func livingLeader() throws -> ProcessIdentity? {
        guard let leader = try recorded(), leader.machine == ProcessIdentity.thisMachine,
            ProcessIdentity.startTime(of: leader.number) == leader.start
        else { return nil }
        return leader
    }

    private func end(_ target: Int32) -> Bool {
        LibC.kill(target, SIGKILL) == 0
    }

    #if os(Linux)
        /// The processes of this user whose environment names the attempt, without this process.
        private func marked() throws -> [Int32] {
            let token = ProcessScope(of: directory).token
            let entry = Array("PBT_CHECKPOINT_OUT=\(directory)/checkpoint".utf8)
            return try FileSystem.names(in: "/proc").compactMap(Int32.init).filter { number in
                guard number != getpid(), ProcessIdentity.startTime(of: number) != nil,
                    let environment = ProcessIdentity.bytes(of: "/proc/\(number)/environ")
                else { return false }
                return ProcessScope.scopes(in: environment).contains(token)
                    || environment.split(separator: 0).contains { $0.elementsEqual(entry) }
            }
        }

        /// Some processes with their descendants, without this process.
        private static func tree(of roots: Set<Int32>) throws -> [ProcessIdentity] {
            guard !roots.isEmpty else { return [] }
            let table = try ProcessTable()
            return table.closure(of: roots).filter { $0 != getpid() }.compactMap { number in
                table.entries[number].map {
                    ProcessIdentity(machine: ProcessIdentity.thisMachine, number: number, start: $0.start)
                }
            }
        }

        private static func kill(_ processes: [ProcessIdentity]) -> Int {
            processes.count { $0.send(SIGKILL) }
        }
    #endif
}

extension DataDirectory {
    /// Kills the processes that attempts at an interval left on this machine, and deletes the attempts' files, except
    /// their logs.
    ///
    /// Call it only when the workers of these attempts are dead or have lost their leases: a worker that receives
    /// SIGKILL cannot end its trainer.
    ///
    /// - Parameters:
    ///   - interval: The interval.
    ///   - attempts: The number of the last attempt; all from the first to it are cleared.
    ///   - experiment: The experiment.
    /// - Throws: A `PBTError` with code `inputOutput`.
    public func killLeftovers(of interval: IntervalID, attempts: Int, of experiment: String) throws {
        for number in 1..<max(1, attempts + 1) {
            let directory = attempt(Self.name(of: interval, attempt: number), of: experiment)
            guard try FileSystem.exists(directory) else { continue }
            try Leftovers(of: directory).kill()
            try FileTree.remove(directory)
        }
    }
}
