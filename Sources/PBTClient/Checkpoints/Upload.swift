// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import PBT
import PBTAPI
import PBTCheckpoints
import Synchronization
import SystemPackage

/// The upload of an attempt's checkpoint.
struct Upload: Sendable {
    let store: RemoteStore
    let root: FilePath
    let name: String
    let lease: Lease
    let manifest: Manifest

    /// Uploads the checkpoint and publishes it.
    ///
    /// Bytes that have arrived, also by an earlier call, are not sent again.
    ///
    /// - Throws: A `PBTError`: `leaseLost`, `unreachable`, `inputOutput`; `CancellationError`.
    func run() async throws {
        for isLast in [false, false, true] {
            let progress = Progress()
            do {
                _ = try await store.retrying.repeating(progress: { progress.value }) { try await send(progress) }
                return try await publish()
            } catch let error as PBTError where error.code == .badValue && !isLast {
                // The server has deleted a damaged file.
            }
        }
    }

    /// Sends the missing bytes.
    private func send(_ progress: Progress) async throws {
        let connection = store.retrying.connection
        let response = try await connection.response(
            to: APICall(.GET, .experiment(lease.experiment, "uploads", name))
        ).fields()
        var arrived: [String: Int64] = [:]
        for item in try response.list("files") {
            let fields = try Fields(item, path: "files")
            arrived[try fields.text("path")] = Int64(try fields.int("size", in: 0 ... .max))
        }
        progress.arrived(arrived.values.reduce(0) { $0.adding(saturating: $1) })
        var before: Int64 = 0
        for file in manifest.files {
            defer { before = before.adding(saturating: file.size).adding(saturating: 1) }
            var offset: Int64 = 0
            if let there = arrived["\(file.path)"] {
                if there == file.size { continue }
                if there < file.size { offset = there }
            }
            let start = before
            try await send(file, from: offset) { progress.sent(start.adding(saturating: $0)) }
        }
    }

    private func send(
        _ file: Manifest.File, from offset: Int64, onRead: @escaping @Sendable (Int64) -> Void
    ) async throws {
        let connection = store.retrying.connection
        let root = root
        let open = try await blocking { try OpenFile(following: file.path, below: root) }
        var path = APIPath.experiment(lease.experiment, "uploads", name)
        for name in file.path.names { path.append(name) }
        var call = APICall(.PUT, path)
        call.headers.add(name: "Content-Type", value: "application/octet-stream")
        call.headers.add(name: "Upload-Offset", value: String(offset))
        var request = connection.request(call)
        request.body = .stream(FileChunks(open, offset..<file.size, onRead: onRead), length: .known(file.size - offset))
        do {
            let response = try await connection.open(request, within: .seconds(7 * 86400))
            _ = try await response.body.collect(upTo: 1 << 20)
        } catch var failure as RequestFailure {
            // Another upload of the file is in progress, or more bytes have arrived: read the state again.
            if failure.error.code == .wrongState { failure.isRetryable = true }
            throw failure
        } catch let error as PBTError {
            throw error
        } catch {
            throw connection.failure(error)
        }
    }

    private func publish() async throws {
        var body = manifest.api
        body["lease"] = lease.api
        var call = APICall(
            .POST, .experiment(lease.experiment, "uploads", name, "publish"), body: .object(body))
        // The server verifies every byte.
        call.wait = .seconds(600)
        _ = try await store.retrying.send(call)
    }

    /// The furthest positions of the upload: the bytes sent, and the bytes that the server has reported as arrived.
    ///
    /// Sent bytes can be lost when a connection breaks.
    private final class Progress: Sendable {
        private let furthest = Mutex<(sent: Int64, arrived: Int64)>((0, 0))

        var value: Int64 { furthest.withLock { $0.sent.adding(saturating: $0.arrived) } }

        func sent(_ bytes: Int64) {
            furthest.withLock { $0.sent = max($0.sent, bytes) }
        }

        func arrived(_ bytes: Int64) {
            furthest.withLock { $0.arrived = max($0.arrived, bytes) }
        }
    }
}
