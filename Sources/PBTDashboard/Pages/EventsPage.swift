// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTHTTP
import PBTServer
import PBTReport

/// The page of the events of an experiment, newest first.
struct EventsPage {
    let experiment: ExperimentContext

    /// A filter of events.
    private enum Filter: String, CaseIterable {
        case notable, best, copies, trouble, all

        func accepts(_ event: Event) -> Bool {
            switch self {
            case .all: true
            case .notable: event.kind != .started && (event.kind != .done || isBest(event) || isCopy(event))
            case .best: isBest(event)
            case .copies: isCopy(event) || event.kind == .generation
            case .trouble: [.diverged, .failed, .retried, .lost, .released, .setAside].contains(event.kind)
            }
        }

        private func isBest(_ event: Event) -> Bool { event.details["best"] == true }
        private func isCopy(_ event: Event) -> Bool { event.details["decision"] == "exploits" }
    }

    /// The number of events per page.
    private static let limit = 100
    /// The maximum number of events that are scanned for a page; numbers are shared by all experiments of the store.
    private static let reach: Int64 = 200_000

    func reply() async throws -> Reply {
        let filter = try experiment.options.choice("only", Filter.notable)
        let last = try await experiment.request.server.store.lastEvent()
        let next = last.adding(saturating: 1)
        let before = Int64(try experiment.options.number("before", Int(next), in: 0...Int.max))
        let (events, isAll) = try await events(before: min(before, next), filter)
        return experiment.layout("Events").reply {
            tag("h2") { "Events" }
            tag("p", ["class": "options"]) {
                for choice in Filter.allCases {
                    if choice == filter {
                        tag("b") { choice.rawValue }
                    } else {
                        tag(
                            "a",
                            ["href": experiment.options.query(changing: ["only": choice.rawValue, "before": nil])]
                        ) { choice.rawValue }
                    }
                }
            }
            tag("section", ["id": "live-events", "class": "card wide"]) {
                if events.isEmpty {
                    tag("p", ["class": "note"]) { "No events match." }
                } else {
                    eventsTable(events)
                }
                if !isAll, let oldest = events.last {
                    tag("p", ["class": "note pages"]) {
                        "showing \(events.count) · "
                        tag(
                            "a",
                            ["rel": "next", "href": experiment.options.query(changing: ["before": "\(oldest.id)"])]
                        ) {
                            "older"
                        }
                    }
                }
            }
        }
    }

    /// Returns the newest events before a number.
    ///
    /// A store lists events from the oldest, so ranges of increasing length before the number are read.
    ///
    /// - Returns: At most ``limit`` events, and whether there are no older ones.
    private func events(before: Int64, _ filter: Filter) async throws -> (events: [Event], isAll: Bool) {
        var found: [Event] = []
        var end = before
        var length: Int64 = 500
        while end > 1, found.count <= Self.limit, before - end < Self.reach {
            let start = max(0, end - 1 - length)
            let (stop, count) = (end, Int(end - start))
            let events = try await experiment.request.server.store.events(
                of: experiment.name, after: start, limit: count)
            found += events.filter { $0.id < stop && filter.accepts($0) }.reversed()
            end = start + 1
            length *= 4
        }
        return (Array(found.prefix(Self.limit)), end <= 1 && found.count <= Self.limit)
    }

    private func eventsTable(_ events: [Event]) -> HTML {
        scrollRegion("events") {
            table(
                (experiment.hasJobs ? ["job"] : []) + ["time (UTC)", "event", "interval", "details"], class: "events"
            ) {
                for event in events {
                    tag("tr") {
                        if experiment.hasJobs { tag("td") { experiment.jobLink(event.interval) } }
                        tag("td") {
                            tag("time", ["datetime": "\(event.time)", "title": "\(event.time)"]) { time(event.time) }
                        }
                        tag("td") { tag("span", ["class": "tag \(style(event))"]) { word(event) } }
                        tag("td") {
                            if let id = event.interval { Links.interval(id, of: experiment.name) } else { "–" }
                        }
                        tag("td", ["class": "wrap"]) { details(event) }
                    }
                }
            }
        }
    }

    /// Returns the time of day, with the date unless it is today's.
    private func time(_ time: Timestamp) -> String {
        let (day, today) = ("\(time)".prefix(10), "\(experiment.now)".prefix(10))
        return (day == today ? "" : "\(day) ") + Formatting.clock(time)
    }

    private func word(_ event: Event) -> String {
        if event.details["best"] == true { return "★ best" }
        if event.kind == .done, event.details["decision"] == "exploits" { return "copy" }
        if event.kind == .ended { return event.details["state"]?.string ?? "ended" }
        return event.kind.rawValue
    }

    private func style(_ event: Event) -> String {
        switch event.kind {
        case .failed, .diverged: "bad"
        case .retried, .lost, .released, .paused, .setAside: "warn"
        case .ended: event.details["state"] == "failed" ? "bad" : "running"
        default: event.details["best"] == true ? "running" : "quiet"
        }
    }

    private func details(_ event: Event) -> HTML {
        var parts: [HTML] = []
        if let score = event.details["score"]?.double { parts.append(HTML("score ") + Formatting.score(score)) }
        if event.details["donor"] != nil { parts.append(copy(event.details)) }
        for exploit in (event.details["exploits"]?.array ?? []).prefix(20) {
            parts.append(HTML("\(exploit["member"]?.int ?? -1) ") + copy(exploit.object ?? [:]))
        }
        if let attempt = event.details["attempt"]?.int, attempt > 1 { parts.append(HTML("attempt \(attempt)")) }
        if let left = event.details["retries_left"]?.int {
            parts.append(HTML(Formatting.count(left, "retry left", "retries left")))
        }
        if let worker = event.details["worker"]?.string { parts.append(HTML("worker ") + Formatting.worker(worker)) }
        if let number = event.details["revision"]?.int { parts.append(HTML("revision \(number)")) }
        let differences = event.differences
        if !differences.isEmpty { parts.append(RevisionsTable.list(differences)) }
        if let reason = event.details["reason"]?.string {
            parts.append(HTML(PlainText.middle(PlainText.line(reason), width: 300)))
        }
        return HTMLBuilder.buildArray(
            parts.enumerated().map { place, part in HTML(place > 0 ? ", " : "") + part })
    }

    private func copy(_ details: [String: Value]) -> HTML {
        guard let member = details["donor"]?["member"]?.int, let index = details["donor"]?["interval"]?.int else {
            return .nothing
        }
        let changes = (details["changes"]?.array ?? []).map { change in
            Change(
                name: change["name"]?.string ?? "", old: change["old"] ?? .null,
                operation: change["operation"]?.string ?? "", new: change["new"] ?? .null,
                isClipped: change["clipped"]?.bool ?? false)
        }
        return HTML(details["decision"] == "adopts" ? "hyperparameters from " : "from ")
            + Links.interval(IntervalID(member: member, index: index), of: experiment.name)
            + (changes.isEmpty ? .nothing : HTML(": ") + ChangesText(changes: changes).html)
    }
}
