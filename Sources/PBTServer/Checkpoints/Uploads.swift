// SPDX-License-Identifier: Apache-2.0

import PBT
import Synchronization
import SystemPackage

/// The current writer of each attempt's files: the latest that started a file, and none while it is published.
///
/// A client whose connection broke sends again while the server may still read what the old connection brings; what was
/// checked for publishing must not change after that.
final class Uploads: Sendable {
    private struct Attempt {
        /// The latest writer of each file.
        var writers: [String: Int] = [:]
        var next = 0
        /// The writes in progress.
        var writing = 0
        var isPublishing = false
    }

    /// The right to write to one file.
    struct Writer: Sendable {
        let attempt: FilePath
        let path: String
        let number: Int
    }

    private let attempts = Mutex<[FilePath: Attempt]>([:])

    /// Begins to write a file; who wrote to it before writes no more.
    ///
    /// - Throws: A `PBTError` with code `inProgress` while the attempt is published, or `badValue` for too many files.
    func begin(_ path: String, of attempt: FilePath, maximum: Int) throws -> Writer {
        try attempts.withLock { attempts in
            var state = attempts[attempt] ?? Attempt()
            guard !state.isPublishing else { throw Self.publishing }
            state.next += 1
            state.writers[path] = state.next
            guard state.writers.count <= maximum else {
                throw PBTError(.badValue, "a checkpoint may hold \(maximum) files; save fewer, larger files")
            }
            attempts[attempt] = state
            return Writer(attempt: attempt, path: path, number: state.next)
        }
    }

    /// Does one write, if the right to it still holds.
    ///
    /// - Throws: A `PBTError` with code `wrongState` when somebody else writes the file now, and what `body` throws.
    func write(_ writer: Writer, _ body: @escaping @Sendable () async throws -> Void) async throws {
        try attempts.withLock { attempts in
            guard let state = attempts[writer.attempt], !state.isPublishing,
                state.writers[writer.path] == writer.number
            else {
                throw PBTError(
                    .wrongState,
                    "\"\(writer.path)\" is being sent again or published; request what has arrived and continue there")
            }
            attempts[writer.attempt]?.writing += 1
        }
        defer { attempts.withLock { $0[writer.attempt]?.writing -= 1 } }
        try await body()
    }

    /// Does something while nobody writes to an attempt's files.
    ///
    /// - Throws: A `PBTError` with code `inProgress` when somebody writes or publishes at this moment, and what `body`
    ///   throws.
    func publishing<Result>(_ attempt: FilePath, _ body: () async throws -> Result) async throws -> Result {
        try attempts.withLock { attempts in
            var state = attempts[attempt] ?? Attempt()
            guard !state.isPublishing, state.writing == 0 else { throw Self.publishing }
            state.isPublishing = true
            // The previous writer must start over.
            state.writers = [:]
            attempts[attempt] = state
        }
        defer { attempts.withLock { $0[attempt] = nil } }
        return try await body()
    }

    private static let publishing = PBTError(
        .inProgress, "the checkpoint is written or published at this moment; try again")

    /// Forgets attempts that have ended.
    func forget(_ attempt: FilePath) {
        attempts.withLock { attempts in
            guard let state = attempts[attempt], state.writing == 0, !state.isPublishing else { return }
            attempts[attempt] = nil
        }
    }
}
