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
    /// A stream that rings when something has changed, at most once a second: the page then asks for itself again.
    ///
    /// Nothing is queued for a slow reader, and nothing is sent to one that is up to date. It rings too when a lease runs
    /// out, which is no event of the store's. When the server goes for good it says `bye`, and waits for the page to go.
    ///
    /// - Parameter name: The experiment; none for all.
    /// - Returns: The stream.
    /// - Throws: A `PBTError` with code `badRequest` for a revision that is no number.
    func changes(of name: String?) throws -> Reply {
        let first = try revision()
        let (call, server, session) = (call, server, session)
        let (connections, snapshots, leases) = (dashboard.connections, dashboard.snapshots, dashboard.leases)
        let names: Set<String>? = name.map { [$0, Experiment.baselineName(of: $0)] }
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
                    // Read now, so that the pages that follow need not wait for it.
                    if news, let name { await Self.readAhead(name, in: snapshots, server) }
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

    private static func readAhead(_ name: String, in snapshots: Snapshots, _ server: ServerContext) async {
        do {
            _ = try await snapshots.snapshot(of: name)
        } catch {
            // The page asks all the same, and is told what is wrong.
            server.logger.debug("not read ahead", metadata: ["experiment": "\(name)", "error": "\(error)"])
        }
    }

    private func revision() throws -> Int64 {
        let field = call.request.headers[.lastEventID].flatMap { $0.isEmpty ? nil : $0 } ?? call.query["rev"] ?? "0"
        guard let number = Int64(field), number >= 0 else {
            throw PBTError(.badRequest, "?rev= must be the number of an event, not \"\(field.prefix(40))\"")
        }
        return number
    }

    /// Whether anything happened after an event, and up to which event that is known.
    private static func news(
        of names: Set<String>?, after known: Int64, in server: ServerContext
    ) async throws -> (hasNews: Bool, newest: Int64) {
        if let (hasNews, newest) = server.feed.news(after: known, of: names) { return (hasNews, newest) }
        // Before the events: one that comes in between is seen the next time.
        let newest = max(try await server.store.lastEvent(), server.feed.start ?? 0)
        guard let names else { return (newest > known, newest) }
        for name in names where try await !server.store.events(of: name, after: known, limit: 1).isEmpty {
            return (true, newest)
        }
        return (false, newest)
    }
}
