// SPDX-License-Identifier: Apache-2.0

import NIOHTTP1
public import PBT
import PBTAPI

extension RemoteStore {
    /// See `Store.experiments()`.
    public func experiments() async throws -> [ExperimentRecord] {
        var records: [ExperimentRecord] = []
        for item in try await items(APIPath("experiments")) {
            do {
                records.append(try await record(item))
            } catch let error as PBTError where error.code == .noSuchExperiment {
                // Removed after the list was read.
            }
        }
        return records
    }

    /// See `Store.record(of:)`.
    public func record(of name: String) async throws -> ExperimentRecord {
        var call = APICall(.GET, .experiment(name))
        let known = definitions.latest(name)
        if let known { call.headers.add(name: "If-None-Match", value: known.tag) }
        let response: APIResponse
        do {
            response = try await retrying.send(call).response
        } catch let error as PBTError where error.code == .noSuchExperiment {
            definitions.remove(name)
            throw error
        }
        if response.status == 304, let known { return known.record }
        let record = try await record(response.fields())
        if let tag = response.headers.first(name: "ETag") { definitions.setLatest(record, tag: tag) }
        return record
    }

    /// See `Store.intervals(of:)`.
    public func intervals(of name: String) async throws -> [Interval] {
        try await items(.experiment(name, "intervals")).map { try Interval(api: $0) }
    }

    /// See `Store.changes(of:since:limit:)`.
    ///
    /// Requests pages of 1,000 intervals. An interval that changes meanwhile is returned in its latest state.
    public func changes(of name: String, since cursor: ChangeCursor?, limit: Int) async throws -> Changes {
        var cursor = cursor
        var isReset = false
        var found: [Interval] = []
        var places: [IntervalID: Int] = [:]
        while true {
            let page = try await changes(of: name, since: cursor, pageOf: min(limit - found.count, 1000))
            cursor = page.cursor
            if page.isReset { (isReset, found, places) = (true, [], [:]) }
            for interval in page.intervals {
                if let place = places[interval.id] {
                    found[place] = interval
                } else {
                    places[interval.id] = found.count
                    found.append(interval)
                }
            }
            if !page.hasMore || found.count >= limit {
                return Changes(intervals: found, cursor: page.cursor, isReset: isReset, hasMore: page.hasMore)
            }
        }
    }

    private func changes(of name: String, since cursor: ChangeCursor?, pageOf count: Int) async throws -> Changes {
        let page = try await fields(
            APICall(
                .GET, .experiment(name, "changes"),
                query: [("limit", String(count))] + (cursor.map { [("since", $0.description)] } ?? [])))
        return try Changes(api: page)
    }

    /// See `Store.runningIntervals(of:)`.
    public func runningIntervals(of name: String) async throws -> [Interval] {
        try await items(.experiment(name, "intervals"), query: [("state", "running")]).map { try Interval(api: $0) }
    }

    /// See `Store.interval(_:of:)`.
    public func interval(_ id: IntervalID, of name: String) async throws -> Interval {
        try Interval(api: try await fields(APICall(.GET, .interval(id, of: name))))
    }

    /// See `Store.openIntervals(of:)`.
    public func openIntervals(of name: String) async throws -> Int {
        let record = try await record(of: name)
        return (record.counts[.waiting] ?? 0) + (record.counts[.running] ?? 0) + record.undecided
    }

    private static func events(_ name: String?) -> APIPath {
        name.map { .experiment($0, "events") } ?? APIPath("events")
    }

    /// See `Store.events(of:after:limit:)`.
    ///
    /// Events of kinds that this version does not know are omitted.
    public func events(of name: String?, after last: Int64?, limit: Int) async throws -> [Event] {
        var events: [Event] = []
        var last = last
        while events.count < limit {
            let count = min(limit - events.count, 1000)
            let page = try await fields(
                APICall(
                    .GET, Self.events(name),
                    query: [("limit", String(count))] + (last.map { [("after", String($0))] } ?? []))
            ).list("items").map { try Fields($0, path: "items") }
            for item in page {
                last = Int64(try item.int("id"))
                if let event = try Event(api: item) { events.append(event) }
            }
            if page.count < count { break }
        }
        return events
    }

    /// See `Store.waitForEvents(after:for:)`.
    ///
    /// Long polling: each request waits for up to 50 seconds.
    public func waitForEvents(after last: Int64, for time: Duration) async throws {
        let end = ContinuousClock.now.advanced(by: time)
        while true {
            let left = end - ContinuousClock.now
            guard left > .zero else { return try Task.checkCancellation() }
            let wait = min(left, .seconds(50))
            let response = try await fields(
                APICall(
                    .GET, APIPath("events"),
                    query: [("after", String(last)), ("limit", "1"), ("wait", String(wait.seconds))], wait: wait))
            if try !response.list("items").isEmpty { return }
        }
    }

    /// See `Store.lastEvent()`.
    public func lastEvent() async throws -> Int64 {
        Int64(try await fields(APICall(.GET, APIPath("events"), query: [("limit", "0")])).int("last"))
    }
}
