// SPDX-License-Identifier: Apache-2.0

import Foundation
import PBT
import PBTTesting
import SystemPackage
import TestSupport
import Testing

@testable import PBTCheckpoints
@testable import PBTWorker

#if os(Linux)
    import Glibc

    /// Whether this process may mount a small file system of its own.
    private let canMount: Bool = {
        let directory = FileManager.default.temporaryDirectory.appending(path: "pbt-mount-\(UUID().uuidString)").path
        guard mkdir(directory, 0o700) == 0 else { return false }
        defer { rmdir(directory) }
        guard mount("tmpfs", directory, "tmpfs", 0, "size=1m") == 0 else { return false }
        return umount2(directory, Int32(MNT_DETACH)) == 0
    }()

    @Suite(.enabled(if: canMount, "a file system can be mounted by root only"))
    struct `A full disk` {
        @Test
        func `charges nothing to the interval, is told once for each cause, and ends the worker when it stays so`()
            async throws
        {
            try await withTemporaryDirectory { root in
                let small = FilePath(root).appending("small")
                try FileSystem.makeDirectory(small)
                try #require(mount("tmpfs", small.string, "tmpfs", 0, "size=256k") == 0)
                defer { #expect(umount2(small.string, Int32(MNT_DETACH)) == 0) }
                let data = DataDirectory(small)
                let store = InMemoryStore()
                // Each attempt fills the disk.
                let experiment = Experiment.shell(
                    "echo '{\"score\": 1}' > $PBT_RESULTS; head -c 1000000 /dev/zero > $PBT_CHECKPOINT_OUT/weights",
                    retries: 0)
                _ = try await store.create(experiment)
                let log = RecordingLog()
                let error = await #expect(throws: PBTError.self) {
                    try await Worker(
                        store: store, data: data, executor: CommandExecutor(),
                        configuration: WorkerConfiguration(
                            experiments: .named(["toy"]), poll: .seconds(60), pause: .milliseconds(1)),
                        logger: log.logger
                    ).run()
                }
                #expect(error?.code == .cannotTrain)
                let reason =
                    "the disk of \(small) is full: less than 1 MiB is left; free some space, or keep fewer checkpoints"
                // What cannot be written first, the program's files or those of its attempt, is not certain.
                let isFull = { (text: String) in text.contains(reason) || text.contains("No space left on device") }
                #expect(isFull(error?.message ?? ""), "\(error?.message ?? "")")
                #expect((1...2).contains(log.warnings.count { isFull($0) }), "\(log.warnings)")
                let interval = try await store.interval(IntervalID(member: 0, index: 0), of: "toy")
                #expect(interval.state == .waiting)
                #expect(interval.failures == 0)
                #expect(interval.attempts == WorkerConfiguration.Limits().transient)
                #expect(try data.directory(of: "toy").appending("checkpoints").names() == [])
                #expect(try data.attempts(of: "toy").names() == [])
            }
        }

        @Test func `without an inode left charges nothing either`() async throws {
            try await withTemporaryDirectory { root in
                let small = FilePath(root).appending("small")
                try FileSystem.makeDirectory(small)
                // Room for the directories of the experiment, but for no attempt.
                try #require(mount("tmpfs", small.string, "tmpfs", 0, "nr_inodes=7") == 0)
                defer { #expect(umount2(small.string, Int32(MNT_DETACH)) == 0) }
                let store = InMemoryStore()
                _ = try await store.create(.shell("true"))
                let error = await #expect(throws: PBTError.self) {
                    try await Worker(
                        store: store, data: DataDirectory(small), executor: CommandExecutor(),
                        configuration: WorkerConfiguration(
                            experiments: .named(["toy"]), poll: .seconds(60), pause: .milliseconds(1))
                    ).run()
                }
                #expect(error?.code == .cannotTrain)
                #expect(error?.message.contains("No space left on device") == true)
                let interval = try await store.interval(IntervalID(member: 0, index: 0), of: "toy")
                #expect(interval.state == .waiting)
                #expect(interval.failures == 0)
            }
        }

        @Test func `is seen by its inodes as by its bytes`() async throws {
            try await withTemporaryDirectory { root in
                let small = FilePath(root).appending("small")
                try FileSystem.makeDirectory(small)
                try #require(mount("tmpfs", small.string, "tmpfs", 0, "size=8m,nr_inodes=2") == 0)
                defer { #expect(umount2(small.string, Int32(MNT_DETACH)) == 0) }
                #expect(FileSystem.fullDisk(small) == nil)
                try FileSystem.makeDirectory(small.appending("last"))
                #expect(FileSystem.fullDisk(small)?.contains("no inode is left") == true)
            }
        }

        @Test func `is told from other errors`() throws {
            let full = FileSystem.error("write", "/a", ENOSPC)
            #expect(
                full.message
                    == "cannot write /a: No space left on device (free some space, or keep fewer checkpoints; pbt gc "
                    + "deletes unreferenced files)")
            #expect(FileSystem.isDiskFull(full))
            #expect(!FileSystem.isDiskFull(FileSystem.error("write", "/a", EACCES)))
        }
    }
#endif
