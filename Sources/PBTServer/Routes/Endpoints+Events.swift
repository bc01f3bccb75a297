// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import HummingbirdCore
import NIOCore
import PBT
import PBTAPI
import PBTHTTP
import ServiceLifecycle

extension Endpoints {
    static let events: [Endpoint] = [
        endpoint("\(prefix)/events", [], "Events of all experiments"),
        endpoint("\(experimentPath)/events", [experimentParameter], "Events of one experiment"),
    ]

    private static func endpoint(_ path: String, _ parameters: [Endpoint.Parameter], _ summary: String) -> Endpoint {
        Endpoint(
            method: .get, path: path, scope: .read, summary: summary,
            parameters: parameters + [
                query(
                    "after",
                    [
                        "type": "integer", "minimum": 0, "maximum": .integer(Limits.counters.upperBound), "default": 0,
                    ], "The number of the last event known."),
                query(
                    "limit", Schemas.integer(0...Limits.page.upperBound, default: 100),
                    "How many at most; 0 asks for `last` alone."),
                query(
                    "wait", Schemas.seconds(Limits.wait, default: 0),
                    "How many seconds to wait for the first."),
                header("Last-Event-ID", "Of a stream: the number of the last event known."),
            ],
            answers: [
                json("The events", Schemas.events),
                Endpoint.Answer(
                    status: 200, type: "text/event-stream", schema: ["type": "string"],
                    text: "A stream of them, when Accept asks for it"),
            ], problems: parameters.isEmpty ? [] : [404]
        ) { call in
            let name = call.path["experiment"]
            if let name { _ = try await call.context.store.record(of: name) }
            let after = try call.number("after", in: Limits.counters).map { Int64($0) }
            if call.request.headers[.accept]?.contains("text/event-stream") == true {
                return try stream(call, name, after: after)
            }
            return try await page(call, name, after: after ?? 0)
        }
    }

    private static func page(_ call: Call, _ name: String?, after: Int64) async throws -> Reply {
        let limit = try call.number("limit", in: 0...Limits.page.upperBound) ?? 100
        let wait = try call.seconds("wait", in: Limits.wait.doubles) ?? .zero
        let store = call.context.store
        guard limit > 0 else {
            return .json(["items": [], "last": .integer(Int(try await store.lastEvent()))])
        }
        let end = ContinuousClock.now.advanced(by: wait)
        while true {
            // Before the events: one that comes in between is seen by the next request.
            let last = try await store.lastEvent()
            let events = try await store.events(of: name, after: after, limit: limit)
            let left = end - ContinuousClock.now
            if !events.isEmpty || left <= .zero || Task.isShuttingDownGracefully {
                return .json([
                    "items": .array(events.map(\.api)),
                    "last": .integer(Int(events.count == limit ? events.last?.id ?? last : max(last, after))),
                ])
            }
            try await call.whileConnected { [feed = call.context.feed] in
                let id = feed.join()
                defer { feed.leave(id) }
                await feed.wait(id, after: last, of: name.map { [$0] }, for: left)
                try Task.checkCancellation()
            }
            try await call.context.http.access.checkAgain(call.caller)
        }
    }

    /// Those that were, then those to come: read and encoded once for all who follow (see ``EventFeed``).
    private static func stream(_ call: Call, _ name: String?, after: Int64?) throws -> Reply {
        var start = after ?? 0
        if let field = call.request.headers[.lastEventID], !field.isEmpty {
            guard let id = Int64(field), id >= 0 else {
                throw PBTError(
                    .badRequest, "Last-Event-ID: must be the number of an event, not \"\(field.prefix(40))\"")
            }
            start = id
        }
        let first = start
        let isCompressed = Reply.acceptsGzip(call.request.headers[.acceptEncoding])
        let body = ResponseBody { writer in
            let (context, feed) = (call.context, call.context.feed)
            context.streams.open()
            let id = await call.follow(feed)
            defer {
                feed.leave(id)
                context.streams.close()
            }
            // Tells the client immediately that it is connected, and how soon to reconnect.
            var encoding = EventEncoding(isCompressed: isCompressed)
            try await writer.write(encoding.bytes(of: "retry: 1000\n\n"))
            var (last, written) = (first, ContinuousClock.now)
            while !feed.isOver(id) {
                if let frames = try await frames(after: &last, of: name, context) {
                    try await writer.write(encoding.bytes(of: frames))
                    written = .now
                } else {
                    let left = context.configuration.heartbeat - (ContinuousClock.now - written)
                    // Also when others' events keep coming: silence looks like a broken connection.
                    if left <= .zero {
                        try await writer.write(encoding.bytes(of: EventStream.comment))
                        written = .now
                    } else {
                        await feed.wait(id, after: last, of: name.map { [$0] }, for: left)
                    }
                }
                guard try await call.isStillAdmitted() else { break }
            }
            if let end = encoding.end { try await writer.write(end) }
            try await writer.finish(nil)
        }
        var reply = Reply(
            headers: [.contentType: "text/event-stream", .cacheControl: "no-store", .vary: "Accept-Encoding"],
            body: body.paced(by: call.channel))
        if isCompressed { reply.headers[.contentEncoding] = "gzip" }
        return reply
    }

    /// The next frames after an event, which becomes the last one that they reach to; none: wait.
    private static func frames(
        after last: inout Int64, of name: String?, _ context: ServerContext
    ) async throws -> EncodedFrames? {
        switch context.feed.next(after: last, of: name) {
        case .frames(let frames, let end):
            last = end
            return frames
        case .nothing(let end):
            last = end
            return nil
        case .behind:
            // Before the events: one that comes in between is seen the next time.
            let newest = try await context.store.lastEvent()
            let events = try await context.store.events(of: name, after: last, limit: 100)
            guard let end = events.last?.id else {
                // What is kept begins where it ended when the newest events were removed with their experiment.
                last = max(last, newest, context.feed.start ?? 0)
                return nil
            }
            last = end
            return EncodedFrames(ByteBuffer(string: events.map(\.frame).joined()))
        }
    }
}

extension Call {
    /// Follows events, until the caller goes away.
    ///
    /// - Returns: The follower's number, which must be given back with ``EventFeed/leave(_:)``.
    package func follow(_ feed: EventFeed) async -> Int {
        let id = feed.join()
        do {
            let disconnects = try await channel.pipeline.handler(type: DisconnectHandler.self).get()
            disconnects.onDisconnect { feed.disconnect(id) }
        } catch {
            // The connection is closed already.
            feed.disconnect(id)
        }
        return id
    }

    /// Returns true if the token of a follower is still valid.
    ///
    /// - Throws: What the store throws when it cannot tell.
    package func isStillAdmitted() async throws -> Bool {
        do {
            try await context.http.access.checkAgain(
                caller, atMostEvery: min(.seconds(1), context.configuration.heartbeat))
            return true
        } catch let error as PBTError where error.code == .unauthorized {
            return false
        }
    }
}
