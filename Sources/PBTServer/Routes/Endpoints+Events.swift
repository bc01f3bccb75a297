// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import HummingbirdCore
import NIOCore
import PBT
import PBTAPI
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
            if let name { _ = try await call.site.store.record(of: name) }
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
        let store = call.site.store
        guard limit > 0 else {
            return .json(["items": [], "last": .integer(Int(try await store.lastEvent()))])
        }
        let end = ContinuousClock.now.advanced(by: wait)
        while true {
            // Before the events: one that comes in between is seen by whoever asks again.
            let last = try await store.lastEvent()
            let events = try await store.events(of: name, after: after, limit: limit)
            let left = end - ContinuousClock.now
            if !events.isEmpty || left <= .zero || Task.isShuttingDownGracefully {
                return .json([
                    "items": .array(events.map(\.api)),
                    "last": .integer(Int(events.count == limit ? events.last?.id ?? last : max(last, after))),
                ])
            }
            try await call.whileConnected { [feed = call.site.feed] in
                let id = feed.join()
                defer { feed.leave(id) }
                await feed.wait(id, after: last, of: name.map { [$0] }, for: left)
                try Task.checkCancellation()
            }
            try await call.site.access.checkAgain(call.caller)
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
        let body = ResponseBody { writer in
            let (site, feed) = (call.site, call.site.feed)
            site.metrics.follows(1)
            let id = await call.follow(feed)
            defer {
                feed.leave(id)
                site.metrics.follows(-1)
            }
            // Tells the client at once that it is connected, and how soon to come back.
            try await writer.write(ByteBuffer(string: "retry: 1000\n\n"))
            var (last, written) = (first, ContinuousClock.now)
            while !feed.isOver(id) {
                if let frames = try await frames(after: &last, of: name, site) {
                    try await writer.write(frames)
                    written = .now
                } else {
                    let left = site.configuration.heartbeat - (ContinuousClock.now - written)
                    // Also when others' events keep coming: silence looks like a broken connection.
                    if left <= .zero {
                        try await writer.write(ByteBuffer(string: EventStream.comment))
                        written = .now
                    } else {
                        await feed.wait(id, after: last, of: name.map { [$0] }, for: left)
                    }
                }
                guard try await call.isStillAdmitted() else { break }
            }
            try await writer.finish(nil)
        }
        return Reply(
            headers: [.contentType: "text/event-stream", .cacheControl: "no-store"], body: body.paced(by: call.channel))
    }

    /// The next frames after an event, which becomes the last one that they reach to; none: wait.
    private static func frames(after last: inout Int64, of name: String?, _ site: Site) async throws -> ByteBuffer? {
        switch site.feed.next(after: last, of: name) {
        case .frames(let frames, let end):
            last = end
            return frames
        case .nothing(let end):
            last = end
            return nil
        case .behind:
            // Before the events: one that comes in between is seen the next time.
            let newest = try await site.store.lastEvent()
            let events = try await site.store.events(of: name, after: last, limit: 100)
            guard let end = events.last?.id else {
                // What is kept begins where it ended when the newest events were removed with their experiment.
                last = max(last, newest, site.feed.start ?? 0)
                return nil
            }
            last = end
            return ByteBuffer(string: events.map(\.frame).joined())
        }
    }

    /// Does something that a graceful shutdown ends early.
    static func untilShutdown(_ body: @escaping @Sendable () async throws -> Void) async throws {
        do {
            try await cancelWhenGracefulShutdown(body)
        } catch is CancellationError where Task.isShuttingDownGracefully && !Task.isCancelled {
            // The loop sees it.
        }
    }
}

extension Call {
    /// Waits until the caller went away, or the server is shut down.
    func untilHangUp() async throws {
        do {
            try await whileConnected {
                while true { try await Task.sleep(for: .seconds(60)) }
            }
        } catch is CancellationError where !Task.isCancelled {
            // That is what was waited for.
        }
    }

    /// Follows events, until the caller goes away.
    ///
    /// - Returns: The follower's number, which must be given back with ``EventFeed/leave(_:)``.
    func follow(_ feed: EventFeed) async -> Int {
        let id = feed.join()
        do {
            let hangUp = try await channel.pipeline.handler(type: HangUp.self).get()
            hangUp.onLeave { feed.hangUp(id) }
        } catch {
            // The connection is closed already.
            feed.hangUp(id)
        }
        return id
    }

    /// Whether the token of someone who follows is still good.
    ///
    /// - Throws: What the store throws when it cannot tell.
    func isStillAdmitted() async throws -> Bool {
        do {
            try await site.access.checkAgain(caller, atMostEvery: min(.seconds(1), site.configuration.heartbeat))
            return true
        } catch let error as PBTError where error.code == .unauthorized {
            return false
        }
    }

    /// Waits for something, no longer than the caller is there and the server runs.
    ///
    /// - Throws: What `body` throws; `CancellationError` when the caller went away.
    func whileConnected(_ body: @escaping @Sendable () async throws -> Void) async throws {
        do {
            guard let hangUp = try? await channel.pipeline.handler(type: HangUp.self).get() else {
                // The connection is closed already.
                throw CancellationError()
            }
            try await hangUp.canceling { try await cancelWhenGracefulShutdown(body) }
        } catch is CancellationError where Task.isShuttingDownGracefully && !Task.isCancelled {
            // Whoever waits looks once more, and answers.
        }
    }
}
