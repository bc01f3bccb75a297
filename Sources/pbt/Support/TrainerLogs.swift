// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTCheckpoints
import PBTClient
import PBTWorker

/// The logs of an experiment's trainers: in the data directory, or on a server.
struct TrainerLogs: Sendable {
    let opened: OpenStore
    /// The experiment.
    let experiment: Experiment

    /// Returns a part of a log.
    ///
    /// - Parameters:
    ///   - id: The interval.
    ///   - attempt: The number of the attempt, from 1.
    ///   - offset: The byte to begin with.
    /// - Returns: At most 1 MiB; empty at the end of what there is.
    /// - Throws: A `PBTError`, with code `noSuchLog` if there is none here.
    func read(_ id: IntervalID, attempt: Int, from offset: Int) async throws -> [UInt8] {
        let name = experiment.name
        if let data = opened.data {
            let path = data.log(of: id, attempt: attempt, of: name)
            if let bytes = try FileSystem.read(path, from: Int64(offset), limit: 1 << 20) { return bytes }
        } else if let remote = opened.store as? RemoteStore {
            return try await remote.log(of: id, attempt: attempt, of: name, from: offset)
        }
        throw PBTError(
            .noSuchLog,
            "there is no log of attempt \(attempt) at interval \(id) of \"\(name)\" here: nothing was printed yet, or the "
                + "worker wrote it on its own machine\(try persistentHint())")
    }

    /// The log of a persistent program, which writes no logs of intervals.
    private func persistentHint() throws -> String {
        guard experiment.trainer?.isPersistent == true, let data = opened.data,
            let log = try data.newestProgramLog(of: experiment.name)
        else { return "" }
        return "; its trainer is persistent, and writes to \(log)"
    }
}

/// The lines of a log that arrives in parts, each as it stood at its end: a progress bar overwrites its line.
struct LogLines {
    private var rest: [UInt8] = []

    /// The maximum length of a line in bytes; longer ones are broken.
    private static let longest = 1 << 16

    /// Adds a part, and returns the lines that it completes.
    mutating func add(_ bytes: [UInt8]) -> [String] {
        var lines: [String] = []
        for byte in bytes {
            if byte == 0x0a || rest.count >= Self.longest { lines += end() }
            if byte != 0x0a { rest.append(byte) }
        }
        return lines
    }

    /// Returns the last line, which no line feed ends; none if there is none.
    mutating func finish() -> [String] {
        rest.isEmpty ? [] : end()
    }

    private mutating func end() -> [String] {
        defer { rest = [] }
        let last = rest.split(separator: 0x0d).last ?? []
        return [LogTail.printable(String(decoding: last, as: UTF8.self))]
    }
}
