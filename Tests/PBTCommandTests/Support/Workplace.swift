// SPDX-License-Identifier: Apache-2.0

import Foundation
import PBT
import SystemPackage

/// A directory with an experiment file and trainers, deleted with this object.
final class Workplace: Sendable {
    /// The directory.
    let directory: FilePath

    /// A new directory with the trainers of `Fixtures`.
    init() throws {
        let url = FileManager.default.temporaryDirectory.appending(path: "pbt-command-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        directory = FilePath(url.path)
        let fixtures = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Fixtures")
        for name in try FileManager.default.contentsOfDirectory(atPath: fixtures.path) where name.hasSuffix(".sh") {
            try FileManager.default.copyItem(at: fixtures.appending(path: name), to: url.appending(path: name))
        }
    }

    deinit {
        do {
            try FileManager.default.removeItem(atPath: directory.string)
        } catch {
            print("could not delete \(directory): \(error)")
        }
    }

    /// Writes a file.
    func write(_ text: String, to name: String) throws {
        try write(Array(text.utf8), to: name)
    }

    /// Writes a file.
    func write(_ bytes: [UInt8], to name: String) throws {
        try Data(bytes).write(to: URL(filePath: path(name)))
    }

    /// The text of a file.
    func read(_ name: String) throws -> String {
        try String(contentsOf: URL(filePath: path(name)), encoding: .utf8)
    }

    /// Whether there is such a file or directory.
    func has(_ name: String) -> Bool {
        FileManager.default.fileExists(atPath: path(name))
    }

    /// The names in a directory, in order; none when there is no such directory.
    func names(in name: String) throws -> [String] {
        has(name) ? try FileManager.default.contentsOfDirectory(atPath: path(name)).sorted() : []
    }

    /// The absolute path of a name.
    func path(_ name: String) -> String {
        name.hasPrefix("/") ? name : directory.appending(name).string
    }

    /// Runs `pbt` in the directory.
    func pbt(_ arguments: String..., environment: [String: String] = [:]) async throws -> Command.Answer {
        try await Command.run(arguments, in: directory, environment: environment)
    }

    /// The answer of `pbt show --json`.
    func show(_ experiment: String) async throws -> Value {
        try Value(json: try await pbt("show", experiment, "--json").output)
    }

    /// Writes an experiment file for a trainer of `Fixtures`.
    func experiment(
        _ name: String = "toy", trainer: String = "sum.sh", population: Int = 2, intervals: Int = 3, workers: Int = 1,
        more: String = ""
    ) throws {
        try write(
            """
            name: \(name)
            objective: {metric: score, goal: maximize}
            population: \(population)
            intervals: \(intervals)
            seed: 7
            space:
              x: {uniform: [0, 1]}
            command: [/bin/sh, \(trainer)]
            workers: \(workers)
            \(more)
            """, to: "\(name).yaml")
    }
}

/// A FIFO that trainers wait at until it is opened, or at which a test waits for them.
final class Gate: Sendable {
    private let file: FileDescriptor

    /// Makes the gate, closed.
    init(in workplace: Workplace, named name: String = "gate") throws {
        let path = FilePath(workplace.path(name))
        guard path.withPlatformString({ mkfifo($0, 0o600) }) == 0 else { throw Errno(rawValue: errno) }
        // Held open for both, so that neither side waits for the other to open it.
        file = try FileDescriptor.open(path, .readWrite)
    }

    /// Lets some trainers through: those that wait first.
    func open(for trainers: Int = 500) throws {
        try file.writeAll(String(repeating: "go\n", count: trainers).utf8)
    }

    /// Waits for a line that a trainer writes to it.
    func line() async throws -> String {
        let file = file
        return try await withCheckedThrowingContinuation { continuation in
            DispatchQueue.global().async {
                continuation.resume(
                    with: Result {
                        var bytes: [UInt8] = []
                        var byte: [UInt8] = [0]
                        while try byte.withUnsafeMutableBytes({ try file.read(into: $0) }) == 1, byte[0] != 0x0a {
                            bytes += byte
                        }
                        return String(decoding: bytes, as: UTF8.self)
                    })
            }
        }
    }

    deinit {
        do { try file.close() } catch { print("could not close the gate: \(error)") }
    }
}
