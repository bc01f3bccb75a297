// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import HummingbirdCore
import Logging
import NIOCore
import PBT
import PBTAPI

extension Visit {
    /// A stream that rings when something has changed, at most once a second: the page then asks for itself again.
    ///
    /// Nothing is queued for a slow reader, and nothing is sent to one that is up to date. It rings too when a lease runs
    /// out, which is no event of the store's. When the server goes for good it says `bye`, and waits for the page to go.
    ///
    /// - Parameter name: The experiment; none for all.
    /// - Returns: The stream.
    /// - Throws: A `PBTError` with code `badRequest` for a revision that is no number.
    func bell(of name: String?) throws -> Reply {
        let first = try revision()
        let (call, site, session) = (call, call.site, session)
        let (followers, snapshots, leases) = (dashboard.followers, dashboard.snapshots, dashboard.leases)
        let names: Set<String>? = name.map { [$0, Experiment.baselineName(of: $0)] }
        let body = ResponseBody { writer in
            let feed = site.feed
            site.metrics.follows(1)
            followers.join()
            let id = await call.follow(feed)
            defer {
                feed.leave(id)
                followers.leave()
                site.metrics.follows(-1)
            }
            try await writer.write(ByteBuffer(string: "retry: 2000\n\n"))
            var (known, silent) = (first, Int?.none)
            var written = ContinuousClock.now
            while !feed.isOver(id), !followers.isEnding {
                let (news, newest) = try await Self.news(of: names, after: known, in: site)
                let state = try await leases.state(of: name)
                known = max(known, newest)
                if news || state.silent != silent ?? state.silent {
                    // Read now, so that the pages that follow need not wait for it.
                    if news, let name { await Self.readAhead(name, in: snapshots, site) }
                    try await writer.write(
                        ByteBuffer(string: EventStream.Frame(id: "\(newest)", event: "rev", data: "\(newest)").text))
                    written = .now
                    try await Endpoints.untilShutdown {
                        try await followers.untilEnd { try await Task.sleep(for: .seconds(1)) }
                    }
                } else {
                    let left = site.configuration.heartbeat - (ContinuousClock.now - written)
                    if left <= .zero {
                        try await writer.write(ByteBuffer(string: EventStream.comment))
                        written = .now
                    } else {
                        await feed.wait(id, after: known, of: names, for: min(left, state.next ?? left))
                    }
                }
                silent = state.silent
                guard try await call.isStillAdmitted() else { break }
                if let session, session.expires <= site.configuration.clock.now() { break }
            }
            if followers.isEnding {
                try await writer.write(ByteBuffer(string: EventStream.Frame(event: "bye", data: "bye").text))
                try await call.untilHangUp()
            }
            try await writer.finish(nil)
        }
        return Reply(
            headers: [.contentType: "text/event-stream", .cacheControl: "no-store"], body: body.paced(by: call.channel))
    }

    private static func readAhead(_ name: String, in snapshots: Snapshots, _ site: Site) async {
        do {
            _ = try await snapshots.snapshot(of: name)
        } catch {
            // The page asks all the same, and is told what is wrong.
            site.logger.debug("not read ahead", metadata: ["experiment": "\(name)", "error": "\(error)"])
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
        of names: Set<String>?, after known: Int64, in site: Site
    ) async throws -> (hasNews: Bool, newest: Int64) {
        if let (hasNews, newest) = site.feed.news(after: known, of: names) { return (hasNews, newest) }
        // Before the events: one that comes in between is seen the next time.
        let newest = max(try await site.store.lastEvent(), site.feed.start ?? 0)
        guard let names else { return (newest > known, newest) }
        for name in names where try await !site.store.events(of: name, after: known, limit: 1).isEmpty {
            return (true, newest)
        }
        return (false, newest)
    }
}
