// SPDX-License-Identifier: Apache-2.0

import LibC
import PBT
import Synchronization
import SystemPackage

/// The processes of an attempt: the program that was started, and all its descendants.
///
/// A descendant can be in its own session (like the workers of `torchrun`), can have lost its parent (a daemon), and
/// can have changed its environment. On Linux it is found by any of these criteria:
///
/// - it descends from a known process, or is in the session or the group of one;
/// - its environment contains the attempt's ``ProcessScope``;
/// - this process has adopted it (``Orphans``), and it can belong to no other attempt.
///
/// On other systems only the program's process group is known.
final class ProcessTree: Sendable {
    /// The program, which leads its group.
    ///
    /// It is not reaped while the tree is in use, so that its identifier is not reused.
    let leader: ProcessIdentity
    private let scope: ProcessScope
    /// The processes found so far.
    private let known = Mutex<Set<ProcessIdentity>>([])

    /// The attempts of this process whose programs run.
    private struct Attempts {
        /// The trees in use.
        var trees: [ObjectIdentifier: (start: UInt64, scope: ProcessScope)] = [:]
        /// The number of programs that are being started, and have no tree yet.
        var starting = 0

        /// Returns true if an orphan with these scopes, started at `start`, can belong to a tree other than `tree`.
        func canOwn(_ scopes: [String], start: UInt64, except tree: ObjectIdentifier? = nil) -> Bool {
            starting > 0
                || trees.contains { key, other in
                    key != tree && (scopes.contains(other.scope.token) || other.start <= start)
                }
        }
    }

    private static let attempts = Mutex(Attempts())

    /// Starts a program and creates its tree.
    ///
    /// - Parameters:
    ///   - scope: The scope in the environment of its processes.
    ///   - start: Starts the program, and returns its process identifier.
    /// - Returns: The tree of the program.
    /// - Throws: The error of `start`.
    static func starting(scope: ProcessScope, _ start: () async throws -> Int32) async throws -> ProcessTree {
        attempts.withLock { $0.starting += 1 }
        do {
            return ProcessTree(leader: try await start(), scope: scope)
        } catch {
            attempts.withLock { $0.starting -= 1 }
            throw error
        }
    }

    private init(leader number: Int32, scope: ProcessScope) {
        leader = ProcessIdentity(
            machine: ProcessIdentity.thisMachine, number: number, start: Self.start(of: number))
        self.scope = scope
        Self.attempts.withLock { attempts in
            attempts.trees[ObjectIdentifier(self)] = (leader.start, scope)
            attempts.starting -= 1
        }
    }

    /// Returns the start time of a process that can be a zombie.
    private static func start(of number: Int32) -> UInt64 {
        #if os(Linux)
            return ProcessTable.entry(of: number, evenIfDead: true)?.start ?? 0
        #else
            return ProcessIdentity.startTime(of: number) ?? 0
        #endif
    }

    /// Ends the use of the tree: its processes have ended, or cannot be killed.
    func close() {
        Self.attempts.withLock { $0.trees[ObjectIdentifier(self)] = nil }
    }

    /// Kills the orphans of attempts that have ended.
    ///
    /// An orphan without a scope can belong to any attempt that ran when it started, so the last of these to close
    /// kills it: two that end at the same time leave it to each other.
    ///
    /// - Returns: True if there are none, or none any more.
    static func killStrays() -> Bool {
        #if os(Linux)
            guard Orphans.areAdopted else { return true }
            Orphans.reap()
            guard let orphans = Orphans.children(), !orphans.isEmpty, let table = try? ProcessTable() else {
                return true
            }
            let strays = orphans.compactMap { table.entries[$0] }.filter { entry in
                let scopes = ProcessScope.scopes(of: entry.number)
                return attempts.withLock { !$0.canOwn(scopes, start: entry.start) }
            }
            for number in table.closure(of: Set(strays.map(\.number))) {
                guard let entry = table.entries[number] else { continue }
                ProcessIdentity(machine: ProcessIdentity.thisMachine, number: number, start: entry.start).send(SIGKILL)
            }
            return strays.isEmpty
        #else
            return true
        #endif
    }

    /// Sends a signal to every process of the tree.
    func send(_ signal: Int32) {
        kill(-leader.number, signal)
        for member in members() where member.number != leader.number { member.send(signal, unlessIn: leader.number) }
    }

    /// True if a process of the tree is alive; zombies are not.
    var isAlive: Bool {
        #if os(Linux)
            // Processes that outlive the program descend from orphans, which are our children: usually there are none.
            if Orphans.areAdopted, ProcessIdentity.startTime(of: leader.number) != leader.start {
                Orphans.reap()
                if let children = Orphans.children(), children.isEmpty { return false }
            }
            return !members().isEmpty
        #else
            return kill(-leader.number, 0) == 0 || errno == EPERM
        #endif
    }

    /// Returns the processes of the tree that are alive.
    func members() -> [ProcessIdentity] {
        #if os(Linux)
            // Without /proc only the group is known.
            guard let table = try? ProcessTable(since: leader.start) else { return [] }
            return known.withLock { known in
                var roots = Set(table.entries.values.filter { $0.group == leader.number }.map(\.number))
                roots.formUnion(known.filter { table.entries[$0.number]?.start == $0.start }.map(\.number))
                roots = table.closure(of: roots)
                for entry in table.entries.values where !roots.contains(entry.number) && owns(entry) {
                    roots.insert(entry.number)
                }
                let found = table.closure(of: roots).compactMap { number in
                    table.entries[number].map {
                        ProcessIdentity(machine: leader.machine, number: number, start: $0.start)
                    }
                }.filter { $0.number != getpid() }
                known = Set(found)
                return found
            }
        #else
            return []
        #endif
    }

    #if os(Linux)
        /// Returns true if a process without a known ancestor belongs to the tree.
        private func owns(_ entry: ProcessTable.Entry) -> Bool {
            let scopes = ProcessScope.scopes(of: entry.number)
            if scopes.contains(scope.token) { return true }
            guard Orphans.areAdopted, entry.parent == getpid(), Orphans.children()?.contains(entry.number) == true
            else {
                return false
            }
            // An orphan of this process belongs to the only attempt that it can belong to.
            return Self.attempts.withLock {
                !$0.canOwn(scopes, start: entry.start, except: ObjectIdentifier(self))
            }
        }
    #endif
}

/// A marker of the processes of an attempt in their environment: `PBT_SCOPE`.
///
/// If a program runs `pbt` itself, the processes of the inner `pbt` belong to both attempts: they have the tokens of
/// both, the outer first, separated by commas.
struct ProcessScope: Sendable, Hashable {
    /// The name of the variable.
    static let variable = "PBT_SCOPE"

    /// The token of the attempt: 16 hexadecimal digits.
    let token: String

    /// Creates the scope of an attempt from its directory.
    init(of directory: FilePath) {
        let digits = String(FNV1a(directory.string.utf8).value, radix: 16)
        token = String(repeating: "0", count: 16 - digits.count) + digits
    }

    /// Returns the value of the variable, including the outer scopes of this process.
    func value(inside outer: String?) -> String {
        guard let outer, !outer.isEmpty else { return token }
        return "\(outer),\(token)"
    }

    #if os(Linux)
        /// Returns the tokens in the environment of a process; empty if it cannot be read.
        static func scopes(of number: Int32) -> [String] {
            guard let environment = ProcessIdentity.bytes(of: "/proc/\(number)/environ") else { return [] }
            return scopes(in: environment)
        }

        /// Returns the tokens in an environment in the format of `/proc`.
        static func scopes(in environment: [UInt8]) -> [String] {
            let prefix = Array("\(variable)=".utf8)
            guard let entry = environment.split(separator: 0).first(where: { $0.starts(with: prefix) }) else {
                return []
            }
            return entry.dropFirst(prefix.count).split(separator: UInt8(ascii: ",")).map {
                String(decoding: $0, as: UTF8.self)
            }
        }
    #endif
}

extension ProcessIdentity {
    /// Sends a signal, unless the process has ended or is in a group that has received it.
    @discardableResult
    func send(_ signal: Int32, unlessIn group: Int32? = nil) -> Bool {
        guard Self.startTime(of: number) == start else { return false }
        if let group, getpgid(number) == group { return false }
        return kill(number, signal) == 0
    }
}
