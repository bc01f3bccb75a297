// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTHTTP
import PBTReport

/// Who trains, and how well they are busy.
struct WorkersPage {
    let experiment: ExperimentContext

    /// A worker as its intervals tell.
    private struct Row {
        let name: String
        var running: [Interval] = []
        var done = 0
        var failed = 0
        var busy = Duration.zero
        var first: Timestamp?
        var last: Timestamp?

        mutating func add(_ interval: Interval, now: Timestamp) {
            if interval.state == .running { running.append(interval) }
            if interval.state == .done || interval.state == .diverged { done += 1 }
            if interval.state == .failed { failed += 1 }
            guard let started = interval.started else { return }
            let ended = interval.finished ?? (interval.state == .running ? now : started)
            busy += max(.zero, ended.since(started))
            first = min(first ?? started, started)
            last = max(last ?? ended, ended)
        }

        /// Which part of the time between its first and its last word it trained; above 1 for one that trains several at
        /// a time.
        var share: Double? {
            guard let first, let last, last > first else { return nil }
            return busy / last.since(first)
        }
    }

    func reply() -> Reply {
        let rows = rows()
        return experiment.layout("Workers").reply {
            Banners(opened: experiment).html
            Card(opened: experiment, kind: .timeline).html
            tag("section", ["id": "live-workers", "class": "card wide"]) {
                tag("h2") { "Workers" }
                if rows.isEmpty {
                    tag("p", ["class": "note"]) { "No worker has taken an interval yet." }
                } else {
                    table(rows)
                    tag("p", ["class": "note"]) {
                        "Of each interval the last worker counts. A lease that is not renewed ends, and another worker may train the interval."
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

    private static let limit = 200

    private func table(_ rows: [Row]) -> HTML {
        tag("div", ["class": "scroll", "tabindex": "0", "role": "region", "aria-label": "workers"]) {
            tag("table", ["class": "workers"]) {
                tag("thead") {
                    tag("tr") {
                        for (title, isNumber) in Self.titles {
                            tag("th", ["scope": "col", "class": isNumber ? "n" : nil]) { title }
                        }
                    }
                }
                tag("tbody") { for row in rows.prefix(Self.limit) { self.row(row) } }
            }
            if rows.count > Self.limit {
                tag("p", ["class": "note"]) { "showing \(Self.limit) of \(rows.count), those that were heard of last" }
            }
        }
    }

    private static let titles = [
        ("worker", false), ("state", false), ("trains", false), ("lease", false), ("done", true), ("failed", true),
        ("busy", true), ("last heard of", false),
    ]

    private func row(_ row: Row) -> HTML {
        let now = experiment.now
        let isOver = experiment.record.state.isOver
        let silent = row.running.compactMap(\.leaseExpires).filter { $0 < now }.min()
        return tag("tr") {
            tag("th", ["scope": "row"]) { Formatting.worker(row.name) }
            tag("td") {
                if isOver || row.running.isEmpty {
                    tag("span", ["class": "tag quiet"]) { "idle" }
                } else if let silent {
                    tag("span", ["class": "tag warn"]) { "! silent \(Formatting.duration(now.since(silent)))" }
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
            tag("td", ["class": "n", "title": "time in training against time since its first interval"]) {
                if let share = row.share { "\(Int((share * 100).rounded()))%" } else { "–" }
            }
            tag("td") { if let last = row.last { Formatting.ago(last, now: now) } else { "–" } }
        }
    }

    private func lease(_ row: Row) -> HTML {
        guard let expires = row.running.compactMap(\.leaseExpires).min() else { return HTML("–") }
        let left = expires.since(experiment.now)
        return HTML(
            left < .zero ? "ran out \(Formatting.duration(.zero - left)) ago" : "\(Formatting.duration(left)) left")
    }
}
