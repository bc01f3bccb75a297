// SPDX-License-Identifier: Apache-2.0

import NIOCore
import PBT
import PBTAPI
import PBTCheckpoints
import SystemPackage

extension CheckpointExchange {
    /// The staging directory of an attempt that is being trained.
    ///
    /// - Throws: A `PBTError`: `badValue` for a name that is not an attempt's, `leaseLost` when the attempt has ended.
    private func staging(_ name: String, _ experiment: String) async throws -> FilePath {
        guard let attempt = CheckpointName(name) else {
            throw PBTError(
                .badValue, "\"\(name.prefix(100))\" names no attempt; attempts are named like m0003-i0012-a1")
        }
        let interval = try await store.interval(attempt.interval, of: experiment)
        guard interval.state == .running, interval.attempts == attempt.attempt else {
            throw PBTError(
                .leaseLost,
                "attempt \(attempt.attempt) at interval \(attempt.interval) of \"\(experiment)\" has ended; its files are not needed"
            )
        }
        return data.uploads(of: experiment).appending(name)
    }

    /// Takes in the bytes of a file from a place on.
    ///
    /// Bytes that arrive before a connection breaks are kept, and the client resumes from there.
    ///
    /// - Parameters:
    ///   - body: The bytes.
    ///   - path: The file's path in the checkpoint.
    ///   - offset: Where they begin: 0 starts over, anything else must be the end of the file.
    ///   - name: The attempt's name.
    ///   - experiment: The experiment.
    /// - Returns: Where the file ends then.
    /// - Throws: A `PBTError`: `leaseLost`, `badValue` for a bad path or too many bytes, `wrongState` for an offset that
    ///   is not where the file ends; a ``Problem`` with status 507 when the disk is full.
    func receive(
        _ body: some AsyncSequence<ByteBuffer, any Error>, as path: String, at offset: Int64, of name: String,
        _ experiment: String
    ) async throws -> Int64 {
        let path = try TransferPath(path)
        let root = try await staging(name, experiment)
        let writer = try uploads.begin("\(path)", of: root, maximum: limits.files)
        do {
            let data = data
            let file = try await blocking {
                try data.make(root)
                try path.checkSpelling(below: root)
                return try OpenFile(writing: path, below: root)
            }
            try await uploads.write(writer) {
                try await blocking {
                    if offset == 0 { try file.truncate(to: 0) }
                    let size = try file.size()
                    guard size == offset else {
                        throw PBTError(
                            .wrongState,
                            "\"\(path)\" ends at \(size), not at \(offset); continue there, or start over at 0")
                    }
                }
            }
            var end = offset
            var gathered = ByteBuffer()
            do {
                for try await part in body {
                    var part = part
                    gathered.writeBuffer(&part)
                    guard end + Int64(gathered.readableBytes) <= limits.bytes else {
                        throw PBTError(.badValue, "\"\(path)\" is larger than \(limits.bytes) bytes")
                    }
                    guard gathered.readableBytes >= 1 << 19 else { continue }
                    try await write(gathered, to: file, at: end, writer)
                    end += Int64(gathered.readableBytes)
                    gathered.clear()
                }
            } catch let error where !(error is PBTError) {
                // The connection broke: what it brought is kept.
                try await write(gathered, to: file, at: end, writer)
                throw error
            }
            try await write(gathered, to: file, at: end, writer)
            return end + Int64(gathered.readableBytes)
        } catch let error as PBTError where FileSystem.isDiskFull(error) {
            throw Problem(507, error.code.name, "the server's disk: \(error.message)", retryAfter: 60)
        }
    }

    private func write(_ buffer: ByteBuffer, to file: OpenFile, at offset: Int64, _ writer: Uploads.Writer) async throws
    {
        guard buffer.readableBytes > 0 else { return }
        try await uploads.write(writer) {
            try await blocking { try file.write(buffer, at: offset) }
        }
    }

    /// Returns the files of an attempt's checkpoint that have arrived.
    ///
    /// - Returns: Paths and sizes, in order of path.
    /// - Throws: A `PBTError`: `leaseLost`, `badValue`.
    func arrived(of name: String, _ experiment: String) async throws -> [(path: String, size: Int64)] {
        let root = try await staging(name, experiment)
        let maximum = limits.files
        return try await blocking {
            guard try FileSystem.exists(root) else { return [] }
            return try Tree(of: root, maximum: maximum).files.map { ("\($0.path)", try $0.file(below: root).size()) }
        }
    }

    /// Publishes an attempt's checkpoint, whole or not at all.
    ///
    /// Safe to repeat: what is published already, and is the same, is as good.
    ///
    /// - Parameters:
    ///   - manifest: What it must be.
    ///   - lease: The right to the interval.
    ///   - name: The attempt's name.
    ///   - experiment: The experiment.
    /// - Throws: A `PBTError`: `leaseLost`; `badValue` for a file that is missing or is not as it should be, which is
    ///   deleted so that it can be sent again; `inProgress`.
    func publish(_ manifest: Manifest, under lease: Lease, as name: String, _ experiment: String) async throws {
        guard DataDirectory.name(of: lease.interval, attempt: lease.attempt) == name, lease.experiment == experiment
        else {
            throw PBTError(.badRequest, "lease: is not of the attempt in the path")
        }
        guard manifest.files.count <= limits.files, manifest.bytes <= limits.bytes else {
            throw PBTError(.badValue, "the checkpoint is larger than \(limits.bytes) bytes")
        }
        let root = try await staging(name, experiment)
        try await confirm(lease)
        let target = data.checkpoint(name, of: experiment)
        let maximum = limits.files
        let data = data
        try await uploads.publishing(root) {
            if try await isPublished(manifest, at: target, of: experiment) {
                // The server may have died, or the disk may have failed, before the name was flushed.
                return try await blocking { try FileSystem.synchronize(directory: target.removingLastComponent()) }
            }
            do {
                try await blocking {
                    try Staged(root: root, manifest: manifest, maximum: maximum)
                        .publish(as: name, of: experiment, in: data)
                }
            } catch let error as PBTError where FileSystem.isDiskFull(error) {
                throw Problem(507, error.code.name, "the server's disk: \(error.message)", retryAfter: 60)
            }
            // Every byte was read just now.
            try await note(manifest, at: target, experiment)
        }
        try await dropEarlier(lease)
    }

    /// Lets the store confirm that a lease is live, without making it shorter.
    private func confirm(_ lease: Lease) async throws {
        let expires = try await store.interval(lease.interval, of: lease.experiment).leaseExpires
        let left = expires.map { $0.since(StoreClock.system.now()) } ?? .zero
        _ = try await store.renew(lease, for: max(left, .seconds(60)))
    }

    /// Deletes what earlier attempts at the same interval published and could not finish: nothing names it.
    private func dropEarlier(_ lease: Lease) async throws {
        guard lease.attempt > 1 else { return }
        let data = data
        let names = (1..<lease.attempt).map { DataDirectory.name(of: lease.interval, attempt: $0) }
        try await blocking { try data.delete(names, of: lease.experiment) }
    }
}
