// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import HummingbirdCore
import Logging
import NIOCore
import PBT
import PBTHTTP
import PBTServer
import PBTAPI

extension PageRequest {
    /// Returns an event stream that notifies a page of changes, at most once a second; the page then reloads its content.
    ///
    /// Nothing is queued for a slow reader, and nothing is sent to one that is up to date. An expired lease is notified
    /// too, though the store has no event for it. Before the server shuts down for good the stream sends `bye`, and waits
    /// for the page to disconnect.
    ///
    /// - Parameter name: The experiment; nil for all experiments.
    /// - Returns: The stream.
    /// - Throws: A `PBTError` with code `badRequest` for an invalid revision.
    func changes(of name: String? = nil) throws -> Reply {
        let first = try revision()
        let (call, server, session) = (call, server, session)
        let (connections, snapshots, leases) = (dashboard.connections, dashboard.snapshots, dashboard.leases)
        let names: Set<String>? = name.map { Set([$0] + Experiment.baselineNames(of: $0)) }
        let body = ResponseBody { writer in
            let feed = server.feed
            server.streams.open()
            connections.join()
            let id = await call.follow(feed)
            defer {
                feed.leave(id)
                connections.leave()
                server.streams.close()
            }
            try await writer.write(ByteBuffer(string: "retry: 2000\n\n"))
            var (known, silent) = (first, Int?.none)
            var written = ContinuousClock.now
            while !feed.isOver(id), !connections.isEnding {
                let (news, newest) = try await Self.news(of: names, after: known, in: server)
                let state = try await leases.state(of: name)
                known = max(known, newest)
                if news || state.silent != silent ?? state.silent {
                    // Read now, so that the requests that follow need not wait for it.
                    if news, let name { await Self.prefetch(name, in: snapshots, server) }
                    try await writer.write(
                        ByteBuffer(string: EventStream.Frame(id: "\(newest)", event: "rev", data: "\(newest)").text))
                    written = .now
                    try await untilShutdown {
                        try await connections.untilEnd { try await Task.sleep(for: .seconds(1)) }
                    }
                } else {
                    let left = server.configuration.heartbeat - (ContinuousClock.now - written)
                    if left <= .zero {
                        try await writer.write(ByteBuffer(string: EventStream.comment))
                        written = .now
                    } else {
                        await feed.wait(id, after: known, of: names, for: min(left, state.next ?? left))
                    }
                }
                silent = state.silent
                guard try await call.isStillAdmitted() else { break }
                if let session, session.expires <= server.configuration.clock.now() { break }
            }
            if connections.isEnding {
                try await writer.write(ByteBuffer(string: EventStream.Frame(event: "bye", data: "bye").text))
                try await call.untilDisconnect()
            }
            try await writer.finish(nil)
        }
        return Reply(
            headers: [.contentType: "text/event-stream", .cacheControl: "no-store"], body: body.paced(by: call.channel))
    }

    private static func prefetch(_ name: String, in snapshots: Snapshots, _ server: ServerContext) async {
        do {
            _ = try await snapshots.snapshot(of: name)
        } catch {
            // The page's own request reports the error.
            server.logger.debug("prefetch failed", metadata: ["experiment": "\(name)", "error": "\(error)"])
        }
    }

    private func revision() throws -> Int64 {
        let field = call.request.headers[.lastEventID].flatMap { $0.isEmpty ? nil : $0 } ?? call.query["rev"] ?? "0"
        guard let number = Int64(field), number >= 0 else {
            throw PBTError(.badRequest, "?rev= must be the number of an event, not \"\(field.prefix(40))\"")
        }
        return number
    }

    /// Returns whether there are events after a given one, and the number of the newest event that was considered.
    private static func news(
        of names: Set<String>?, after known: Int64, in server: ServerContext
    ) async throws -> (hasNews: Bool, newest: Int64) {
        if let (hasNews, newest) = server.feed.news(after: known, of: names) { return (hasNews, newest) }
        // Before the events: one that comes in between is found the next time.
        let newest = max(try await server.store.lastEvent(), server.feed.start ?? 0)
        guard let names else { return (newest > known, newest) }
        for name in names where try await !server.store.events(of: name, after: known, limit: 1).isEmpty {
            return (true, newest)
        }
        return (false, newest)
    }
}
