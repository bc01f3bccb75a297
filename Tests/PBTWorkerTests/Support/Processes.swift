// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Foundation
import LibC
import SystemPackage
import Testing

@testable import PBTCheckpoints
@testable import PBTWorker

/// A named pipe: a script writes into it to say where it is, a test waits until it does.
struct Pipe: Sendable {
    let path: FilePath

    init(_ path: FilePath) throws {
        self.path = path
        guard path.withPlatformString({ mkfifo($0, 0o600) }) == 0 else {
            throw FileSystem.error("create the pipe", path, errno)
        }
    }

    /// Waits until a script opens the pipe and closes it again, and returns what it wrote.
    func read() async throws -> String {
        try await withCheckedThrowingContinuation { continuation in
            // Blocks, so not on a thread that tasks share.
            DispatchQueue(label: "pipe").async { [path] in
                continuation.resume(
                    with: Result {
                        let file = try FileDescriptor.open(path, .readOnly)
                        return try file.closeAfter {
                            var bytes: [UInt8] = []
                            while true {
                                let chunk = try [UInt8](unsafeUninitializedCapacity: 512) { buffer, count in
                                    count = try file.read(into: UnsafeMutableRawBufferPointer(buffer))
                                }
                                if chunk.isEmpty { break }
                                bytes += chunk
                            }
                            return String(decoding: bytes, as: UTF8.self).trimmingCharacters(
                                in: .whitespacesAndNewlines)
                        }
                    })
            }
        }
    }
}

/// A clock on which every sleep lasts until a script says something through a pipe.
struct PipeClock: Clock {
    typealias Instant = ContinuousClock.Instant

    private let pipe: Pipe

    init(_ pipe: Pipe) {
        self.pipe = pipe
    }

    var now: Instant { ContinuousClock.now }
    var minimumResolution: Duration { .nanoseconds(1) }

    func sleep(until deadline: Instant, tolerance: Duration?) async throws {
        _ = try await pipe.read()
    }
}

/// Whether a process lives; one that only waits to be reaped does not.
func isAlive(_ process: String?) throws -> Bool {
    let text = try #require(process).trimmingCharacters(in: .whitespacesAndNewlines)
    return ProcessIdentity.startTime(of: try #require(Int32(text))) != nil
}

/// A program that a test started, in a process group of its own.
struct StartedProcess {
    let process: Process
    let ended: Signal

    var number: Int32 { process.processIdentifier }

    /// Waits until it ended, and returns whether a signal did that.
    func isKilled() async -> Bool {
        await ended.wait()
        return process.terminationReason == .uncaughtSignal
    }
}

/// Starts a program that is ended when the body is over.
func withProcess<Result>(
    _ command: [String], environment: [String: String] = [:], _ body: (StartedProcess) async throws -> Result
) async throws -> Result {
    let process = Process()
    process.executableURL = URL(filePath: command[0])
    process.arguments = Array(command.dropFirst())
    process.environment = environment
    process.standardOutput = FileHandle.nullDevice
    let ended = Signal()
    process.terminationHandler = { _ in ended.send() }
    try process.run()
    // Foundation starts programs with the signal mask of the calling thread, which may block all but SIGKILL.
    defer { if process.isRunning { kill(process.processIdentifier, SIGKILL) } }
    return try await body(StartedProcess(process: process, ended: ended))
}
