// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTHTTP
import PBTReport

/// The page of the workers: the intervals that each trains, and its utilization.
struct WorkersPage {
    let experiment: ExperimentContext

    /// A worker, as far as its intervals show.
    private struct Row {
        let name: String
        var running: [Interval] = []
        var done = 0
        var failed = 0
        /// The times in which it trained an interval.
        var times: [(start: Timestamp, end: Timestamp)] = []
        var first: Timestamp?
        var last: Timestamp?

        mutating func add(_ interval: Interval, now: Timestamp) {
            if interval.state == .running { running.append(interval) }
            if interval.state == .done || interval.state == .diverged { done += 1 }
            if interval.state == .failed { failed += 1 }
            guard let started = interval.started else { return }
            let ended = interval.finished ?? (interval.state == .running ? now : started)
            times.append((started, max(started, ended)))
            first = min(first ?? started, started)
            last = max(last ?? ended, ended)
        }

        /// The fraction of the time since its first interval in which it trained, as in the worker timeline: intervals that
        /// it trained concurrently count once.
        var utilization: Double? {
            guard let first, let last, last > first else { return nil }
            var (busy, until) = (Duration.zero, first)
            for time in times.sorted(by: { $0.start < $1.start }) where time.end > until {
                busy += time.end.since(max(time.start, until))
                until = time.end
            }
            return busy / last.since(first)
        }
    }

    func reply() -> Reply {
        let rows = rows()
        return experiment.layout("Workers").reply {
            Banners(experiment: experiment).html
            ChartCard(experiment: experiment, kind: .timeline).html
            tag("section", ["id": "live-workers", "class": "card wide"]) {
                tag("h2") { "Workers" }
                if rows.isEmpty {
                    tag("p", ["class": "note"]) { "No worker has claimed an interval yet." }
                } else {
                    workersTable(rows)
                    tag("p", ["class": "note"]) {
                        "Each interval is listed under its last worker. A lease that is not renewed expires, and another worker can claim the interval."
                    }
                }
            }
        }
    }

    private func rows() -> [Row] {
        var rows: [String: Row] = [:]
        let live = Dictionary(experiment.running.map { ($0.id, $0) }) { $1 }
        for interval in experiment.history.genealogy.intervals {
            let interval = live[interval.id] ?? interval
            guard let worker = interval.worker else { continue }
            rows[worker, default: Row(name: worker)].add(interval, now: experiment.now)
        }
        return rows.values.sorted {
            if $0.running.isEmpty != $1.running.isEmpty { return $1.running.isEmpty }
            return ($0.last ?? .init(milliseconds: 0), $1.name) > ($1.last ?? .init(milliseconds: 0), $0.name)
        }
    }

    /// The maximum number of workers shown.
    private static let limit = 200

    private func workersTable(_ rows: [Row]) -> HTML {
        scrollRegion("workers") {
            table(Self.headings, class: "workers") { for row in rows.prefix(Self.limit) { self.row(row) } }
            if rows.count > Self.limit {
                tag("p", ["class": "note"]) { "showing \(Self.limit) of \(rows.count), the last seen first" }
            }
        }
    }

    private static let headings: [ColumnHeading] = [
        "worker", "state", "current interval", "lease", .number("done"), .number("failed"), .number("utilization"),
        "last seen",
    ]

    private func row(_ row: Row) -> HTML {
        let now = experiment.now
        let isOver = experiment.record.state.isOver
        let silence = row.running.compactMap { $0.silence(at: now) }.max()
        return tag("tr") {
            tag("th", ["scope": "row"]) { Formatting.worker(row.name) }
            tag("td") {
                if isOver || row.running.isEmpty {
                    tag("span", ["class": "tag quiet"]) { "idle" }
                } else if let silence {
                    tag("span", ["class": "tag warn"]) { "! silent \(Formatting.duration(silence))" }
                } else {
                    tag("span", ["class": "tag running"]) { "training" }
                }
            }
            tag("td") {
                if row.running.isEmpty { "–" }
                for interval in row.running.prefix(8) {
                    Links.interval(interval.id, of: experiment.name)
                    " "
                }
                if row.running.count > 8 { "and \(row.running.count - 8) more" }
            }
            tag("td") { lease(row) }
            tag("td", ["class": "n"]) { "\(row.done)" }
            tag("td", ["class": "n"]) { "\(row.failed)" }
            tag(
                "td",
                [
                    "class": "n",
                    "title": "time in training / time since its first interval; concurrent intervals count once",
                ]
            ) {
                if let utilization = row.utilization { "\(Int((utilization * 100).rounded()))%" } else { "–" }
            }
            tag("td") { if let last = row.last { Formatting.ago(last, now: now) } else { "–" } }
        }
    }

    private func lease(_ row: Row) -> HTML {
        guard let expires = row.running.compactMap(\.leaseExpires).min() else { return HTML("–") }
        let left = expires.since(experiment.now)
        // Jobs of a client without a timeout have a lease until the end of time.
        if left > Limits.duration { return HTML("no limit") }
        return HTML(
            left < .zero ? "expired \(Formatting.duration(.zero - left)) ago" : "\(Formatting.duration(left)) left")
    }
}
