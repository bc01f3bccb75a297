// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import HummingbirdCore
import PBT
import PBTAPI
import PBTCheckpoints
import PBTHTTP

extension Endpoints {
    private static let checkpointPath = "\(experimentPath)/checkpoints/{checkpoint}"
    private static let uploadPath = "\(experimentPath)/uploads/{attempt}"
    private static let checkpointParameters = [
        experimentParameter, path("checkpoint", "The checkpoint's name."),
    ]
    private static let uploadParameters = [
        experimentParameter, path("attempt", "The attempt's name, such as m0003-i0012-a1."),
    ]

    private static func path(_ name: String, _ text: String) -> Endpoint.Parameter {
        Endpoint.Parameter(name: name, place: "path", schema: Schemas.text, text: text)
    }

    static let checkpoints: [Endpoint] = [
        Endpoint(
            method: .get, path: checkpointPath, scope: .read, summary: "What is in a checkpoint",
            parameters: checkpointParameters, answers: [json("Its files", Schemas.manifest)], problems: [404, 409, 422]
        ) { call in
            .json(.object(try await call.exchange.manifest(of: call["checkpoint"], call.experiment).api))
        },
        Endpoint(
            method: .get, path: "\(checkpointPath)/files/{path+}", scope: .read, summary: "A file of a checkpoint",
            parameters: checkpointParameters + [
                path("path", "The file's path in the checkpoint."),
                header("Range", "bytes=N-: from this byte on."),
            ],
            answers: [
                Endpoint.Answer(status: 200, type: "application/octet-stream", schema: nil, text: "All of it"),
                Endpoint.Answer(status: 206, type: "application/octet-stream", schema: nil, text: "The rest of it"),
            ], problems: [404, 416, 422], handle: file),
        Endpoint(
            method: .get, path: uploadPath, scope: .work, summary: "What has arrived of an attempt's checkpoint",
            parameters: uploadParameters, answers: [json("Its files", Schemas.arrived)], problems: [404, 409, 422]
        ) { call in
            let files = try await call.exchange.arrived(of: call["attempt"], call.experiment)
            return .json([
                "files": .array(files.map { ["path": .string($0.path), "size": .integer(Int($0.size))] })
            ])
        },
        Endpoint(
            method: .put, path: "\(uploadPath)/{path+}", scope: .work, summary: "Send a file of a checkpoint",
            parameters: uploadParameters + [
                path("path", "The file's path in the checkpoint."),
                header("Upload-Offset", "The offset of the bytes; 0 by default, which starts over."),
            ], body: (["type": "string", "format": "binary"], "application/octet-stream"),
            answers: [none("They have arrived; Upload-Offset says up to where")], problems: [404, 409, 422, 507],
            handle: receive),
        Endpoint(
            method: .post, path: "\(uploadPath)/publish", scope: .work, summary: "Publish what was sent",
            parameters: uploadParameters, body: (Schemas.publishing, "application/json"),
            answers: [json("It is published", Schemas.object(["checkpoint": Schemas.text], required: ["checkpoint"]))],
            problems: [404, 409, 422, 507]
        ) { call in
            // A list of many files is longer than other bodies.
            let fields = try await call.fields(upTo: 64 << 20, "lease", "files", "directories", "bytes")
            let name = call["attempt"]
            try await call.exchange.publish(
                Manifest(api: fields), under: Lease(api: fields.fields("lease")), as: name, call.experiment)
            return .json(["checkpoint": .string(name)])
        },
        Endpoint(
            method: .post, path: "\(experimentPath)/collected", scope: .work,
            summary: "Record that checkpoints were deleted", parameters: [experimentParameter],
            body: (Schemas.checkpointNames, "application/json"), answers: [none("It is recorded")], problems: [404]
        ) { call in
            let fields = try await call.fields("checkpoints")
            // A name that is not there is found out before an empty list is.
            _ = try await call.context.store.record(of: call.experiment)
            try await call.context.store.collected(fields.strings("checkpoints"), of: call.experiment)
            return .empty()
        },
    ]

    @Sendable private static func file(_ call: Call) async throws -> Reply {
        let (file, size) = try await call.exchange.file(call["path"], in: call["checkpoint"], call.experiment)
        var reply = Reply(headers: [.contentType: "application/octet-stream", .acceptRanges: "bytes"])
        var range = 0..<size
        if let field = call.request.headers[.range], let start = start(of: field) {
            guard start < size else {
                var problem = Problem(416, "badRequest", "Range: the file has \(size) bytes, and none from \(start) on")
                problem.headers["Content-Range"] = "bytes */\(size)"
                throw problem
            }
            range = start..<size
            reply.status = .partialContent
            reply.headers[.contentRange] = "bytes \(start)-\(size - 1)/\(size)"
        }
        let chunks = FileChunks(file, range)
        reply.body = ResponseBody(contentLength: range.count) { writer in
            for try await chunk in chunks { try await writer.write(chunk) }
            try await writer.finish(nil)
        }.paced(by: call.channel)
        return reply
    }

    /// N of `bytes=N-`; other forms are not understood, and the whole file is the answer.
    private static func start(of field: String) -> Int64? {
        guard field.hasPrefix("bytes="), field.hasSuffix("-") else { return nil }
        return Int64(field.dropFirst("bytes=".count).dropLast()).flatMap { $0 >= 0 ? $0 : nil }
    }

    @Sendable private static func receive(_ call: Call) async throws -> Reply {
        var offset: Int64 = 0
        if let field = call.request.headers[.uploadOffset] {
            guard let number = Int64(field), number >= 0 else {
                throw PBTError(
                    .badRequest, "Upload-Offset: must be a non-negative integer, not \"\(field.prefix(40))\"")
            }
            offset = number
        }
        let end = try await call.exchange.receive(
            call.request.body, as: call["path"], at: offset, of: call["attempt"], call.experiment)
        return .empty().with(.uploadOffset, String(end))
    }
}

extension Call {
    /// The checkpoints that can be had and sent.
    ///
    /// - Throws: A `PBTError` with code `noSuchCheckpoint` for a server without a data directory.
    fileprivate var exchange: CheckpointExchange {
        get throws {
            guard let exchange = context.checkpoints else {
                throw PBTError(.noSuchCheckpoint, "this server has no data directory, so it has no checkpoints")
            }
            return exchange
        }
    }
}
