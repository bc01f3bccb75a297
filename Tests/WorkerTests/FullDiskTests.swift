// SPDX-License-Identifier: Apache-2.0

import Foundation
import PBT
import PBTTesting
import SystemPackage
import Testing

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
        @Test func `fails the attempt with the reason, keeps the store sound, and pauses`() async throws {
            try await withTemporaryDirectory { root in
                let small = FilePath(root).appending("small")
                try FileSystem.makeDirectory(small)
                try #require(mount("tmpfs", small.string, "tmpfs", 0, "size=256k") == 0)
                defer { #expect(umount2(small.string, Int32(MNT_DETACH)) == 0) }
                let data = DataDirectory(small)
                let store = InMemoryStore()
                // Each attempt fills the disk; a pause follows each.
                let experiment = Experiment.shell(
                    "echo '{\"score\": 1}' > $PBT_RESULTS; head -c 1000000 /dev/zero > $PBT_CHECKPOINT_OUT/weights",
                    retries: 1)
                _ = try await store.create(experiment)
                let clock = RecordingClock()
                try await Worker(
                    store: store, data: data, executor: CommandExecutor(),
                    configuration: WorkerConfiguration(
                        experiments: .named(["toy"]), poll: .seconds(60), pause: .seconds(2)),
                    clock: clock
                ).run()
                #expect(clock.sleeps.map { ($0 / .seconds(1)).rounded() } == [2, 4])
                let interval = try await store.interval(IntervalID(member: 0, index: 0), of: "toy")
                #expect(interval.state == .failed)
                #expect(interval.failures == 2)
                let reason = try #require(interval.reason)
                #expect(
                    reason.hasSuffix(
                        "; the disk of \(small) is full: less than 1 MiB is left; free some space, or keep fewer "
                            + "checkpoints"), "\(reason)")
                #expect(try data.directory(of: "toy").appending("checkpoints").names() == [])
                #expect(try data.attempts(of: "toy").names() == [])
            }
        }

        @Test func `fails an attempt that cannot even begin`() async throws {
            try await withTemporaryDirectory { root in
                let small = FilePath(root).appending("small")
                try FileSystem.makeDirectory(small)
                // Room for the three directories of the experiment, but for no attempt.
                try #require(mount("tmpfs", small.string, "tmpfs", 0, "nr_inodes=6") == 0)
                defer { #expect(umount2(small.string, Int32(MNT_DETACH)) == 0) }
                let store = InMemoryStore()
                _ = try await store.create(.shell("true"))
                try await Worker(
                    store: store, data: DataDirectory(small), executor: CommandExecutor(),
                    configuration: WorkerConfiguration(experiments: .named(["toy"]), poll: .seconds(60)),
                    clock: RecordingClock()
                ).run()
                let interval = try await store.interval(IntervalID(member: 0, index: 0), of: "toy")
                #expect(interval.state == .failed)
                #expect(
                    interval.reason
                        == "cannot create the directory \(small)/toy/attempts/m0000-i0000-a1/checkpoint: No space left on "
                        + "device (free some space, or keep fewer checkpoints; pbt gc deletes what nothing needs)")
            }
        }

        @Test func `is told from other errors`() throws {
            let full = FileSystem.error("write", "/a", ENOSPC)
            #expect(
                full.message
                    == "cannot write /a: No space left on device (free some space, or keep fewer checkpoints; pbt gc "
                    + "deletes what nothing needs)")
            #expect(FileSystem.isDiskFull(full))
            #expect(!FileSystem.isDiskFull(FileSystem.error("write", "/a", EACCES)))
        }
    }
#endif
