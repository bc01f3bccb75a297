// SPDX-License-Identifier: Apache-2.0

import LibC
public import PBT
public import PBTCheckpoints
import SystemPackage

/// The processes that an attempt can leave when its worker is killed: its trainer, in its own process group.
struct Leftovers {
    /// The directory of the attempt.
    let directory: FilePath

    init(of directory: FilePath) {
        self.directory = directory
    }

    private var file: FilePath { directory.appending("process") }

    /// Records the process group of the attempt.
    func record(group: Int32) throws {
        let start = ProcessIdentity.startTime(of: group) ?? 0
        try FileSystem.write("\(group) \(start) \(ProcessIdentity.thisMachine)\n", to: file)
    }

    /// Returns the recorded leader of the process group, if any.
    func recorded() throws -> ProcessIdentity? {
        guard let bytes = try FileSystem.tail(of: file, limit: 1024) else { return nil }
        let parts = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isWhitespace)
        guard parts.count == 3, let number = Int32(parts[0]), number > 1, let start = UInt64(parts[1]) else {
            return nil
        }
        return ProcessIdentity(machine: String(parts[2]), number: number, start: start)
    }

    /// Kills the processes of the attempt on this machine, and returns the number of killed processes or groups.
    ///
    /// The leader of the recorded group belongs to the attempt if its start time matches. On Linux so do all processes
    /// with the attempt's scope or directory in their environment, and all their descendants: also those that left the
    /// group, and those whose worker died before it recorded the group.
    @discardableResult
    func kill() throws -> Int {
        var killed = 0
        let leader = try livingLeader()
        #if os(Linux)
            // Its descendants, including its group, can be found only while it is alive.
            if let leader { killed += Self.kill(try Self.tree(of: [leader.number])) }
        #else
            if let leader, end(-leader.number) { killed += 1 }
        #endif
        #if os(Linux)
            // Repeated until none is left: a process can have started another one meanwhile.
            for _ in 0..<10 {
                let found = try Self.tree(of: Set(marked()))
                killed += Self.kill(found)
                if found.isEmpty { break }
            }
        #endif
        return killed
    }

    /// Kills the processes of a persistent program, if it ran on this machine.
    ///
    /// - Returns: True if the record is of this machine, so that it can be deleted.
    func killRecorded() throws -> Bool {
        guard let leader = try recorded() else {
            try kill()
            return true
        }
        guard leader.machine == ProcessIdentity.thisMachine else { return false }
        try kill()
        return true
    }

    /// Returns the recorded leader if it ran on this machine and is still alive.
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
        /// Returns the processes whose environment names the attempt, except this process.
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

        /// Returns processes and their descendants, except this process.
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
    /// Kills the processes that earlier attempts of a lease's interval, or of its evaluation, left on this machine, and
    /// deletes their files, except their logs.
    ///
    /// - Throws: A `PBTError` with code `inputOutput`.
    func killLeftovers(of lease: Lease) throws {
        guard let number = lease.evaluation else {
            return try killLeftovers(of: lease.interval, attempts: lease.attempt, of: lease.experiment)
        }
        for directory in evaluations(number, under: lease) where try FileSystem.exists(directory) {
            try Leftovers(of: directory).kill()
            try FileTree.remove(directory)
        }
    }

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
