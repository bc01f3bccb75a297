// SPDX-License-Identifier: Apache-2.0

import PBTHTTP
import PBT
import PBTServer
import PBTReport

/// An experiment that a visitor looks at.
struct ExperimentContext {
    let request: PageRequest
    let snapshot: Snapshot
    /// What is being trained right now; leases are renewed without any event.
    let running: [Interval]
    let options: ViewOptions
    let tab: Layout.Tab?

    var history: History { snapshot.history }
    var record: ExperimentRecord { snapshot.record }
    var experiment: Experiment { snapshot.experiment }
    var name: String { snapshot.name }
    var goal: Objective.Goal { experiment.objective.goal }
    var now: Timestamp { request.now }

    /// The intervals that run though their workers have let their leases run out, the longest silent first.
    var stalled: [Interval] {
        guard !record.state.isOver else { return [] }
        return running.filter { ($0.leaseExpires ?? now) < now }.sorted {
            ($0.leaseExpires ?? now, $0.id) < ($1.leaseExpires ?? now, $1.id)
        }
    }

    /// The last of an interval's lineage pieces: the one that holds it.
    func piece(of id: IntervalID) -> Int? {
        history.genealogy.place(of: id).map { history.pieceOfPlace[$0] }
    }

    /// The layout of one of its pages.
    func layout(_ page: String? = nil) -> Layout {
        Layout(
            title: page.map { "\($0) · \(title)" } ?? title, request: request, experiment: (snapshot, tab),
            live: request.isStill ? nil : Links.experiment(name, "live"), facts: facts)
    }

    /// How far it is and how good, so that a browser's tab tells.
    private var title: String {
        let score = history.best?.score.map { " \(Format.score($0))" } ?? ""
        let progress =
            switch record.state {
            case .running where !experiment.isEndless: "\(record.intervalsFinished)/\(record.intervalsPlanned)"
            case .running: "\(record.intervalsFinished)"
            case .paused: "❚❚"
            case .finished: "■"
            case .failed: "× failed"
            }
        return "\(progress)\(score) · \(PlainText.middle(PlainText.line(name), width: 40))"
    }

    /// Whether a page need not follow any more; beside a run it follows until it is told that the run has ended.
    private var isOver: Bool {
        let dashboard = request.dashboard
        return snapshot.isOver && (dashboard.settings.afterwards == nil || dashboard.connections.isEnding)
    }

    /// What the script reads.
    private var facts: HTML {
        let pieces = history.pieces
        return tag(
            "div",
            [
                "id": "live-facts", "hidden": "", "data-rev": "\(snapshot.revision)",
                "data-state": record.state.rawValue, "data-over": isOver ? "1" : nil,
                "data-title": title, "data-say": said, "data-best": history.best?.id.description,
                // Parent, member, first interval; the number of a piece is its place.
                "data-pieces": pieces.count > Self.manyPieces
                    ? nil
                    : pieces.map { "\($0.parent.map { "\($0)" } ?? "").\($0.member).\($0.indices.lowerBound)" }
                        .joined(separator: " "),
            ]
        ) {}
    }

    /// More pieces than this are not lit up one by one: their list would be larger than the page.
    private static let manyPieces = 4000

    /// What is worth being said aloud: changes when there is a new best, a failure, or the end.
    private var said: String {
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
    /// Opens the experiment in the path.
    ///
    /// - Throws: A `PBTError`: there is none, the query makes no sense, or the store cannot be read.
    func open(_ tab: Layout.Tab?) async throws -> ExperimentContext {
        let options = try ViewOptions(call.query)
        let snapshot = try await dashboard.snapshots.snapshot(of: call.experiment)
        return ExperimentContext(
            request: self, snapshot: snapshot, running: try await server.store.runningIntervals(of: call.experiment),
            options: options, tab: tab)
    }
}
