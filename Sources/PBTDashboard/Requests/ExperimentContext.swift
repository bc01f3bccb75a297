// SPDX-License-Identifier: Apache-2.0

import PBTHTTP
import PBT
import PBTServer
import PBTReport

/// A request for a page of an experiment, with the data that the page is rendered from.
struct ExperimentContext {
    let request: PageRequest
    let snapshot: Snapshot
    /// The running intervals, read for this request: leases are renewed without an event.
    let running: [Interval]
    let options: ViewOptions
    let tab: Layout.Tab?
    /// A Boolean value indicating whether intervals are the jobs of a client, with ids of their own.
    let hasJobs: Bool

    var history: History { snapshot.history }
    var record: ExperimentRecord { snapshot.record }
    /// The definition.
    var definition: Experiment { snapshot.experiment }
    var name: String { snapshot.name }
    var goal: Objective.Goal { definition.objective.goal }
    var now: Timestamp { request.now }

    /// The running intervals whose leases have expired, the longest expired first.
    var stalled: [Interval] {
        guard !record.state.isOver else { return [] }
        return running.filter { $0.silence(at: now) != nil }.sorted {
            ($0.leaseExpires ?? now, $0.id) < ($1.leaseExpires ?? now, $1.id)
        }
    }

    /// Returns the number of the lineage piece that holds an interval.
    func piece(of id: IntervalID) -> Int? {
        history.genealogy.place(of: id).map { history.pieceOfPlace[$0] }
    }

    /// Returns the layout of a page of the experiment.
    func layout(_ page: String? = nil) -> Layout {
        Layout(
            title: page.map { "\($0) · \(title)" } ?? title, request: request, experiment: (snapshot, tab),
            live: request.isStill ? nil : Links.experiment(name, "live"), facts: facts)
    }

    /// The title of the browser's tab: progress, best score, and name.
    private var title: String {
        let score = history.best?.score.map { " \(Format.score($0))" } ?? ""
        let progress =
            switch record.state {
            case .running where !definition.isEndless: "\(record.intervalsFinished)/\(record.intervalsPlanned)"
            case .running: "\(record.intervalsFinished)"
            case .paused: "❚❚"
            case .finished: "■"
            case .failed: "× failed"
            }
        return "\(progress)\(score) · \(PlainText.middle(PlainText.line(name), width: 40))"
    }

    /// A Boolean value indicating whether live updates have ended; on the server of a run they continue until the run ends.
    private var isOver: Bool {
        let dashboard = request.dashboard
        return snapshot.isOver && (dashboard.settings.afterwards == nil || dashboard.connections.isEnding)
    }

    /// The data for the script.
    private var facts: HTML {
        let pieces = history.pieces
        return tag(
            "div",
            [
                "id": "live-facts", "hidden": "", "data-rev": "\(snapshot.revision)",
                "data-state": record.state.rawValue, "data-over": isOver ? "1" : nil,
                "data-title": title, "data-say": announcement, "data-best": history.best?.id.description,
                // Parent, member, first interval; the number of a piece is its position.
                "data-pieces": pieces.count > Self.manyPieces
                    ? nil
                    : pieces.map { "\($0.parent.map { "\($0)" } ?? "").\($0.member).\($0.indices.lowerBound)" }
                        .joined(separator: " "),
            ]
        ) {}
    }

    /// Above this number of pieces they cannot be highlighted: their list would be larger than the page.
    private static let manyPieces = 4000

    /// The text for screen readers, which changes with a new best, a failure, or the end.
    private var announcement: String {
        var parts: [String] = []
        switch record.state {
        case .finished: parts.append("finished")
        case .failed: parts.append("failed")
        case .paused: parts.append("paused")
        case .running: break
        }
        if let best = history.best, let score = best.score {
            parts.append("best \(Format.score(score)), member \(best.id.member)")
        }
        let failed = record.counts[.failed] ?? 0
        if failed > 0 { parts.append(Formatting.count(failed, "interval") + " failed") }
        return parts.joined(separator: "; ")
    }
}

extension PageRequest {
    /// Loads the experiment in the path.
    ///
    /// - Parameter tab: The page that is marked as the current one.
    /// - Returns: The data for a page of the experiment.
    /// - Throws: A `PBTError` with code `noSuchExperiment`, or `badRequest` for an invalid query; or what the store throws.
    func loadExperiment(_ tab: Layout.Tab? = nil) async throws -> ExperimentContext {
        let options = try ViewOptions(call.query)
        let snapshot = try await dashboard.snapshots.snapshot(of: call.experiment)
        try options.check(in: snapshot.history)
        return ExperimentContext(
            request: self, snapshot: snapshot, running: try await server.store.runningIntervals(of: call.experiment),
            options: options, tab: tab, hasJobs: snapshot.history.hasJobs)
    }
}
