// SPDX-License-Identifier: Apache-2.0

package import Foundation
package import PBT
import PBTCheckpoints
import PBTClient
package import PBTWorker
package import SystemPackage

/// A trainer whose checkpoints are a number in a file, beside a program, an empty directory and a larger file.
package struct FileTrainer: Trainer {
    package init() {}

    package func start(_ context: TrainingContext) async throws -> Int { 0 }

    package func restore(from checkpoint: FilePath, _ context: TrainingContext) async throws -> Int {
        let text = try read(checkpoint.appending("count"))
        guard let count = Int(text), try names(checkpoint.appending("empty")) == [],
            try isExecutable(checkpoint.appending("bin").appending("run"))
        else { throw PBTError(.inputOutput, "the checkpoint \(checkpoint) is not as it was saved: \"\(text)\"") }
        return count
    }

    package func train(_ model: inout Int, _ context: TrainingContext) async throws { model += 1 }

    package func evaluate(_ model: Int, _ context: TrainingContext) async throws -> [String: Value] {
        ["score": .number(Double(model) + (context.hyperparameters["x"]?.double ?? 0))]
    }

    package func save(_ model: Int, to directory: FilePath, _ context: TrainingContext) async throws {
        try write(String(model), to: directory.appending("count"))
        for name in ["bin", "empty"] { try make(directory.appending(name)) }
        try write("#!/bin/sh\n", to: directory.appending("bin").appending("run"), mode: 0o755)
        try write(String(repeating: "\(context.member) ", count: 300_000), to: directory.appending("wei ghts#1%"))
    }
}

package func make(_ path: FilePath) throws {
    guard path.withPlatformString({ mkdir($0, 0o777) }) == 0 || errno == EEXIST else { throw Errno(rawValue: errno) }
}

package func write(_ text: String, to path: FilePath, mode: mode_t = 0o644) throws {
    let file = try FileDescriptor.open(
        path, .writeOnly, options: [.create, .truncate], permissions: FilePermissions(rawValue: 0o666))
    try file.closeAfter { _ = try file.writeAll(text.utf8) }
    guard path.withPlatformString({ chmod($0, mode) }) == 0 else { throw Errno(rawValue: errno) }
}

/// Writes into a file that is read-only.
package func overwrite(_ text: String, at path: FilePath) throws {
    guard path.withPlatformString({ chmod($0, 0o644) }) == 0 else { throw Errno(rawValue: errno) }
    try write(text, to: path)
}

package func read(_ path: FilePath) throws -> String {
    let file = try FileDescriptor.open(path, .readOnly)
    return try file.closeAfter {
        var bytes: [UInt8] = []
        while true {
            let chunk = try [UInt8](unsafeUninitializedCapacity: 1 << 16) { buffer, count in
                count = try file.read(into: UnsafeMutableRawBufferPointer(buffer))
            }
            if chunk.isEmpty { return String(decoding: bytes, as: UTF8.self) }
            bytes += chunk
        }
    }
}

package func names(_ path: FilePath) throws -> [String] {
    try FileSystem.names(in: path)
}

package func isExecutable(_ path: FilePath) throws -> Bool {
    let mode = try FileManager.default.attributesOfItem(atPath: path.string)[.posixPermissions] as? NSNumber
    return (mode?.intValue ?? 0) & 0o100 != 0
}

extension Experiment {
    /// A small experiment for ``FileTrainer``.
    package static func small(population: Int = 4, intervals: Int = 5, retries: Int = 0) -> Experiment {
        Experiment(
            "small", objective: .maximize("score"), population: population, intervals: intervals, seed: 3,
            space: ["x": .uniform(0...1)], exploit: .truncation(0.25), retries: retries)
    }
}

package func symlink(_ target: String, at path: FilePath) throws {
    guard path.withPlatformString({ link in target.withCString { symlink($0, link) } }) == 0 else {
        throw Errno(rawValue: errno)
    }
}

/// Sets when a file was changed last, in seconds since 1970.
package func setTime(_ seconds: Int, of path: FilePath) throws {
    try FileManager.default.setAttributes(
        [.modificationDate: Date(timeIntervalSince1970: Double(seconds))], ofItemAtPath: path.string)
}
