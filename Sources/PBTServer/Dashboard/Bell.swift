// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import HummingbirdCore
import Logging
import NIOCore
import PBT
import PBTAPI
import ServiceLifecycle

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
        let (call, site, caller, session) = (call, call.site, call.caller, session)
        let (followers, snapshots) = (dashboard.followers, dashboard.snapshots)
        let body = ResponseBody { writer in
            site.metrics.follows(1)
            followers.join()
            defer {
                followers.leave()
                site.metrics.follows(-1)
            }
            try await writer.write(ByteBuffer(string: "retry: 2000\n\n"))
            var (known, silent) = (first, Int?.none)
            var written = ContinuousClock.now
            while !Task.isShuttingDownGracefully, !followers.isEnding {
                let newest = try await site.store.lastEvent()
                let news = try await Self.news(of: name, after: known, in: site.store)
                let leases = try await Self.leases(of: name, in: site)
                known = max(known, newest)
                if news || leases.silent != silent ?? leases.silent {
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
                        let (last, wait) = (newest, min(left, leases.next ?? left))
                        try await Endpoints.untilShutdown {
                            try await followers.untilEnd { try await site.store.waitForEvents(after: last, for: wait) }
                        }
                    }
                }
                silent = leases.silent
                do {
                    try await site.access.checkAgain(caller)
                } catch let error as PBTError where error.code == .unauthorized {
                    break
                }
                if let session, session.expires <= site.configuration.clock.now() { break }
            }
            if followers.isEnding {
                try await writer.write(ByteBuffer(string: EventStream.Frame(event: "bye", data: "bye").text))
                try await call.untilHangUp()
            }
            try await writer.finish(nil)
        }
        return Reply(headers: [.contentType: "text/event-stream", .cacheControl: "no-store"], body: body)
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

    private static func news(of name: String?, after known: Int64, in store: any Store) async throws -> Bool {
        guard let name else { return try await !store.events(of: nil, after: known, limit: 1).isEmpty }
        for name in [name, Experiment.baselineName(of: name)]
        where try await !store.events(of: name, after: known, limit: 1).isEmpty {
            return true
        }
        return false
    }

    /// How many leases have run out, and when the next one does.
    private static func leases(of name: String?, in site: Site) async throws -> (silent: Int, next: Duration?) {
        guard let name else { return (0, nil) }
        let now = site.configuration.clock.now()
        do {
            let ends = try await site.store.runningIntervals(of: name).compactMap(\.leaseExpires)
            let next = ends.filter { $0 >= now }.min().map { $0.since(now) + .milliseconds(10) }
            return (ends.count { $0 < now }, next)
        } catch let error as PBTError where error.code == .noSuchExperiment {
            // It was removed: the page asks again, and is told so.
            return (-1, nil)
        }
    }
}
