// SPDX-License-Identifier: Apache-2.0

import LibC
import PBT
import Synchronization
import SystemPackage

/// The processes of one attempt: the program that was started, and all that descend from it.
///
/// A descendant may be in a session of its own (as the workers of `torchrun` are), may have lost its parent (a daemon), and
/// may have changed its environment. On Linux it is found by any of these:
///
/// - it descends from a process that is known, or is in the session or the group of one;
/// - its environment holds the attempt's ``ProcessScope``;
/// - this process has adopted it (``Orphans``), and it can belong to no other attempt.
///
/// Elsewhere only the program's process group is known.
final class ProcessTree: Sendable {
    /// The program, which leads its group.
    ///
    /// Not reaped as long as the tree is in use, so that nobody else gets its number.
    let leader: ProcessIdentity
    private let scope: ProcessScope
    /// What was found so far.
    private let known = Mutex<Set<ProcessIdentity>>([])

    /// The trees that are in use in this process.
    private static let open = Mutex<[ObjectIdentifier: (start: UInt64, scope: ProcessScope)]>([:])

    /// The tree of a program that was just started.
    init(leader number: Int32, scope: ProcessScope) {
        leader = ProcessIdentity(
            machine: ProcessIdentity.thisMachine, number: number, start: Self.start(of: number))
        self.scope = scope
        Self.open.withLock { $0[ObjectIdentifier(self)] = (leader.start, scope) }
    }

    /// When a process began that may have ended, but is not reaped.
    private static func start(of number: Int32) -> UInt64 {
        #if os(Linux)
            return ProcessTable.entry(of: number, evenIfDead: true)?.start ?? 0
        #else
            return ProcessIdentity.startTime(of: number) ?? 0
        #endif
    }

    /// Forgets the tree: nothing of it is left, or can be ended.
    func close() {
        Self.open.withLock { $0[ObjectIdentifier(self)] = nil }
    }

    /// Sends a signal to every process of the tree.
    func send(_ signal: Int32) {
        kill(-leader.number, signal)
        for member in members() where member.number != leader.number { member.send(signal, unlessIn: leader.number) }
    }

    /// Whether a process of the tree lives; one that only waits to be reaped does not.
    var isAlive: Bool {
        #if os(Linux)
            // What outlives the program descends from an orphan, and all orphans are our children: usually there are none.
            if Orphans.areAdopted, ProcessIdentity.startTime(of: leader.number) != leader.start {
                Orphans.reap()
                if let children = Orphans.children(), children.isEmpty { return false }
            }
            return !members().isEmpty
        #else
            return kill(-leader.number, 0) == 0 || errno == EPERM
        #endif
    }

    /// The living processes of the tree.
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
        /// Whether a process that no known process leads to belongs to the tree.
        private func owns(_ entry: ProcessTable.Entry) -> Bool {
            let scopes = ProcessScope.scopes(of: entry.number)
            if scopes.contains(scope.token) { return true }
            guard Orphans.areAdopted, entry.parent == getpid(), Orphans.children()?.contains(entry.number) == true
            else {
                return false
            }
            // Ours by its parent, but of which attempt? Of the only one that it can belong to.
            return Self.open.withLock { open in
                let others = open.filter { $0.key != ObjectIdentifier(self) }.values
                return !others.contains { scopes.contains($0.scope.token) || $0.start <= entry.start }
            }
        }
    #endif
}

/// What marks the processes of one attempt in their environment: `PBT_SCOPE`.
///
/// A program that runs `pbt` itself has processes that belong to its own attempt and to that of the inner `pbt`: they have
/// the tokens of both, the outer first, separated by commas.
struct ProcessScope: Sendable, Hashable {
    /// The variable's name.
    static let variable = "PBT_SCOPE"

    /// The attempt's own token: 16 hexadecimal digits.
    let token: String

    /// The scope of an attempt with a directory of its own.
    init(of directory: FilePath) {
        let digits = String(FNV1a(directory.string.utf8).value, radix: 16)
        token = String(repeating: "0", count: 16 - digits.count) + digits
    }

    /// The variable's value, inside of the scopes that this process has itself.
    func value(inside outer: String?) -> String {
        guard let outer, !outer.isEmpty else { return token }
        return "\(outer),\(token)"
    }

    #if os(Linux)
        /// The tokens that a process has in its environment; none when that cannot be read.
        static func scopes(of number: Int32) -> [String] {
            guard let environment = ProcessIdentity.bytes(of: "/proc/\(number)/environ") else { return [] }
            return scopes(in: environment)
        }

        /// The tokens in an environment, as `/proc` shows it.
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
    /// Sends a signal, unless the process is over or in a group that has got it already.
    @discardableResult
    func send(_ signal: Int32, unlessIn group: Int32? = nil) -> Bool {
        guard Self.startTime(of: number) == start else { return false }
        if let group, getpgid(number) == group { return false }
        return kill(number, signal) == 0
    }
}
