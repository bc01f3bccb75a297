// SPDX-License-Identifier: Apache-2.0

import Foundation
import PBT
import PBTSQLite
import SystemPackage
import Testing

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Backups: consistent while a run is training, complete or absent, verified when they are restored.
@Suite(.timeLimit(.minutes(10))) struct BackupTests {
    /// Whether this user can mount in a namespace of its own.
    private static let canMount: Bool = {
        #if os(Linux)
            guard let shell = popen("unshare -rm true 2>/dev/null", "r") else { return false }
            return pclose(shell) == 0
        #else
            return false
        #endif
    }()

    /// The names of the checkpoints that a store keeps.
    private func kept(_ place: Workplace, _ path: String) async throws -> Set<String> {
        let store = try SQLiteStore(path: place.path(path), access: .readOnly)
        let intervals = try await store.intervals(of: "toy")
        try store.close()
        return Set(intervals.filter { $0.checkpointState == .kept }.compactMap(\.checkpoint))
    }

    @Test func `backups taken during a run are complete, and training continues from each`() async throws {
        let place = try Workplace()
        try place.experiment(population: 6, intervals: 8, workers: 4)
        let run = try await Command.live(["run", "toy.yaml", "--json"], in: place.directory) { lines, _ in
            for number in 0..<4 {
                for _ in 0..<6 { try await lines.wait(for: #""event":"done""#) }
                let backup = try await place.pbt("backup", "b\(number)")
                #expect(backup.code == 0, "\(backup.error)")
            }
        }
        #expect(run.code == 0)
        #expect(try place.names(in: "pbt.data") == ["toy"], "what held the checkpoints is gone")
        for number in 0..<4 {
            let store = "r\(number).sqlite"
            let restored = try await place.pbt("restore", "b\(number)", "--store", store)
            #expect(restored.code == 0, "\(restored.error)")
            let checkpoints = Set(try place.names(in: "r\(number).data/toy/checkpoints"))
            let kept = try await kept(place, store)
            #expect(!kept.isEmpty && kept.isSubset(of: checkpoints), "\(kept.subtracting(checkpoints)) missing")
            #expect(try await place.pbt("explain", "toy", "--all", "--store", store).code == 0)
            let shown = try Value(json: try await place.pbt("show", "toy", "--json", "--store", store).output)
            #expect(shown["intervals"]?["running"] == 0)
            let rest = try await place.pbt("run", "toy.yaml", "--store", store)
            #expect(rest.code == 0, "\(rest.error)")
            let end = try Value(json: try await place.pbt("show", "toy", "--json", "--store", store).output)
            #expect(end["intervals"]?["done"] == 48)
            #expect(try await place.pbt("explain", "toy", "--all", "--store", store).code == 0)
        }
    }

    @Test func `a backup is made and restored without overwriting anything`() async throws {
        let place = try Workplace()
        try place.experiment(population: 2, intervals: 2)
        #expect(try await place.pbt("run", "toy.yaml").code == 0)
        let made = try await place.pbt("backup", "new/backup")
        #expect(made.code == 0, "\(made.error)")
        #expect(made.output.contains("restore with: pbt restore new/backup --store FILE"))
        #expect(try place.names(in: "new") == ["backup"])
        #expect(try place.names(in: "new/backup") == ["backup.json", "pbt.data", "pbt.sqlite"])
        #expect(try place.names(in: "new/backup/pbt.data/toy") == ["checkpoints", "logs", "manifests"])
        let again = try await place.pbt("backup", "new/backup")
        #expect(again.code == 73)
        #expect(again.error.contains("new/backup already exists"))
        // Usable in place.
        #expect(try await place.pbt("list", "--store", "new/backup/pbt.sqlite").code == 0)
        for store in ["pbt.sqlite", "other.sqlite"] {
            if store == "other.sqlite" { try place.write("", to: "other.sqlite-wal") }
            let refused = try await place.pbt("restore", "new/backup", "--store", store)
            #expect(refused.code == 73, "\(refused)")
            #expect(refused.error.contains("already exists"))
        }
        let none = try await place.pbt("restore", "new", "--store", "x.sqlite")
        #expect(none.code == 66)
        #expect(none.error.contains("new is not a backup: there is no backup.json in it"))
        let json = try await place.pbt("backup", "second", "--no-logs", "--copy", "--json")
        #expect(try Value(json: json.output)["experiments"]?.array?.count == 1)
        #expect(try place.names(in: "second/pbt.data/toy") == ["checkpoints", "manifests"])
    }

    /// Starts a backup and sends a signal once it is being made, as often as it takes to be faster than the backup.
    ///
    /// - Returns: The name of its unfinished directory, and what `body` returned while the process was there.
    private func interrupt<Value: Sendable>(
        _ place: Workplace, _ name: String, _ signal: Int32, _ body: @Sendable (String, pid_t) async throws -> Value
    ) async throws -> (partial: String, value: Value) {
        let prefix = ".\(name).partial-"
        let earlier = Set(try place.names(in: "backups"))
        while true {
            let run = try await Command.live(["backup", "backups/\(name)"], in: place.directory) {
                _, process -> (partial: String, value: Value)? in
                while true {
                    let names = try place.names(in: "backups").filter { !earlier.contains($0) }
                    if let partial = names.first(where: { $0.hasPrefix(prefix) }) {
                        kill(process, signal)
                        // It may have been finished in between.
                        guard place.has("backups/\(partial)") else { break }
                        return (partial, try await body(partial, process))
                    }
                    if names.contains(name) { break }
                    await Task.yield()
                }
                kill(process, SIGCONT)
                return nil
            }
            if let interrupted = run.value { return interrupted }
            try FileManager.default.removeItem(atPath: place.path("backups/\(name)"))
        }
    }

    @Test func `what a killed backup left is deleted by the next, and nothing that a living one makes`() async throws {
        let place = try Workplace()
        try place.experiment(population: 2, intervals: 2)
        #expect(try await place.pbt("run", "toy.yaml").code == 0)
        let killed = try await interrupt(place, "killed", SIGKILL) { _, _ in }.partial
        #expect(try place.names(in: "backups").contains(killed))
        try FileManager.default.createDirectory(
            atPath: place.path("backups/.elsewhere.partial-other,1,1,x"), withIntermediateDirectories: false)
        _ = try await interrupt(place, "slow", SIGSTOP) { partial, process in
            defer { kill(process, SIGCONT) }
            let next = try await place.pbt("backup", "backups/next")
            #expect(next.code == 0, "\(next.error)")
            let names = try place.names(in: "backups")
            #expect(names.sorted() == [".elsewhere.partial-other,1,1,x", partial, "next"].sorted())
        }
        // The slow one was not disturbed.
        #expect(try place.names(in: "backups") == [".elsewhere.partial-other,1,1,x", "next", "slow"])
        #expect(try await place.pbt("restore", "backups/slow", "--store", "slow.sqlite").code == 0)
    }

    @Test func `a damaged backup is not restored, and leaves nothing`() async throws {
        let place = try Workplace()
        try place.experiment(population: 2, intervals: 2)
        #expect(try await place.pbt("run", "toy.yaml").code == 0)
        let manager = FileManager.default
        let damages: [(String, (String) throws -> Void)] = [
            (
                "is missing",
                { backup in
                    let directory = "\(backup)/pbt.data/toy/checkpoints"
                    let name = try #require(try place.names(in: directory).first)
                    try manager.removeItem(atPath: place.path("\(directory)/\(name)"))
                }
            ),
            (
                "bytes instead of",
                { backup in
                    let directory = "\(backup)/pbt.data/toy/checkpoints"
                    let name = try #require(try place.names(in: directory).first)
                    let file = try #require(try place.names(in: "\(directory)/\(name)").first)
                    try manager.removeItem(atPath: place.path("\(directory)/\(name)/\(file)"))
                }
            ),
            (
                "has other bytes",
                { backup in
                    let directory = "\(backup)/pbt.data/toy/checkpoints"
                    let name = try #require(try place.names(in: directory).first)
                    let file = place.path("\(directory)/\(name)/sum")
                    let bytes = try Data(contentsOf: URL(filePath: file))
                    try manager.removeItem(atPath: file)
                    try Data(bytes.reversed()).write(to: URL(filePath: file))
                }
            ),
            (
                "damaged",
                { backup in
                    let file = try FileHandle(forWritingTo: URL(filePath: place.path("\(backup)/pbt.sqlite")))
                    let size = try file.seekToEnd()
                    try file.seek(toOffset: size / 2)
                    try file.write(contentsOf: Data(repeating: 0xff, count: Int(size / 4)))
                    try file.close()
                }
            ),
        ]
        for (number, (text, damage)) in damages.enumerated() {
            #expect(try await place.pbt("backup", "b\(number)", "--copy").code == 0)
            try damage("b\(number)")
            let restored = try await place.pbt("restore", "b\(number)", "--store", "r.sqlite")
            #expect(restored.code == 69, "\(restored)")
            #expect(restored.error.contains(text), "\(restored.error)")
            #expect(!place.has("r.sqlite") && !place.has("r.data"))
            #expect(try !place.names(in: ".").contains { $0.contains("restore-") })
        }
    }

    @Test func `a store that names a missing checkpoint is not backed up, and the message names it`() async throws {
        let place = try Workplace()
        try place.experiment(population: 1, intervals: 1)
        #expect(try await place.pbt("run", "toy.yaml").code == 0)
        try FileManager.default.removeItem(atPath: place.path("pbt.data/toy/checkpoints/m0000-i0000-a1"))
        let backup = try await place.pbt("backup", "b")
        #expect(backup.code == 66)
        #expect(backup.error.contains("m0000-i0000-a1, which is missing"))
        #expect(try place.names(in: ".").filter { $0.contains("b.partial") || $0 == "b" }.isEmpty)
    }

    @Test func `a server is told where backups are made`() async throws {
        let place = try Workplace()
        _ = try await Command.live(["serve", "--port", "0"], in: place.directory) { lines, process in
            let line = try await lines.wait(for: "listening on ")
            let url = String(line.dropFirst("listening on ".count))
            let backup = try await place.pbt("backup", "b", "--store", url)
            #expect(backup.code == 64)
            #expect(backup.error.contains("a backup is made where the store's file is"))
            kill(process, SIGTERM)
        }
    }

    @Test(.enabled(if: Self.canMount, "needs a mount namespace of one's own"))
    func `a backup to a full disk fails with a message and leaves nothing`() async throws {
        let place = try Workplace()
        try place.experiment(population: 2, intervals: 2)
        #expect(try await place.pbt("run", "toy.yaml").code == 0)
        for size in ["16k", "140k"] {
            let script = """
                mkdir -p full && mount -t tmpfs -o size=\(size) tmpfs full || exit 90
                '\(Command.executable)' backup full/b; echo "ended with $?"; ls -A full
                """
            let answer = try await Command.shell(["-c", "unshare -rm sh -c \"$0\" 2>&1", script], in: place.directory)
            #expect(answer.output.hasSuffix("ended with 73\n"), "\(answer.output)")
            #expect(answer.output.contains("full"), "\(answer.output)")
        }
        #expect(try place.names(in: "pbt.data") == ["toy"])
    }

    // MARK: Files of experiments that the store does not know

    @Test func `a new experiment never meets the files of a forgotten one`() async throws {
        let place = try Workplace()
        try place.experiment(population: 1, intervals: 1)
        try place.experiment("other", population: 1, intervals: 1)
        #expect(try await place.pbt("run", "toy.yaml").code == 0)
        try FileManager.default.removeItem(atPath: place.path("pbt.sqlite"))
        let before = try place.names(in: "pbt.data/toy/checkpoints")
        for command in ["run", "create"] {
            let refused = try await place.pbt(command, "toy.yaml")
            #expect(refused.code == 65, "\(refused)")
            #expect(refused.error.contains("of an experiment \"toy\" that the store does not know"))
        }
        #expect(try place.names(in: "pbt.data/toy/checkpoints") == before)
        // Others are trained, with a warning.
        let other = try await place.pbt("run", "other.yaml")
        #expect(other.code == 0)
        #expect(other.error.contains("holds checkpoints or logs of experiments that are not in the store: toy."))
        try FileManager.default.removeItem(atPath: place.path("pbt.data/toy"))
        let fresh = try await place.pbt("run", "toy.yaml")
        #expect(fresh.code == 0)
        #expect(!fresh.error.contains("does not know"))
    }
}
