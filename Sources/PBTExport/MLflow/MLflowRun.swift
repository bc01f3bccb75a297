// SPDX-License-Identifier: Apache-2.0

package import PBT
package import PBTReport

/// One run for MLflow: a pure function of an experiment's rows.
package struct MLflowRun: Sendable {
    /// The state of a run, in MLflow's terms.
    package enum Status: String, Sendable {
        case running = "RUNNING"
        case finished = "FINISHED"
        case failed = "FAILED"
    }

    /// The metrics of one step.
    package struct Row: Sendable {
        /// The step.
        package let step: Int
        /// The time of the measurement.
        package let time: Timestamp
        /// The metrics, by name; NaN where an interval diverged.
        package let metrics: [(name: String, value: Double)]
    }

    /// The track that the run shows; none for the experiment itself.
    package let track: Track.Kind?
    /// The key of the run: `experiment`, or the name of a track.
    package let key: String
    /// The display name.
    package let name: String
    /// The start time.
    package let start: Timestamp
    /// The end time; none while it is running.
    package let end: Timestamp?
    /// The state.
    package let status: Status
    /// The tags, which may change.
    package let tags: [String: String]
    /// The parameters, which are written once: empty while the experiment is running.
    package let parameters: [String: String]
    /// The metrics; rows are only appended while the experiment runs.
    package let rows: [Row]

    /// Returns the runs of an experiment: its own first, then the members, then the best lineage.
    package static func all(of history: History) -> [MLflowRun] {
        let quantities = Quantities(history)
        var runs = [experiment(history, quantities)]
        for track in Track.all(of: history) {
            switch track.kind {
            case .member, .best: runs.append(MLflowRun(track, history, quantities))
            // A lineage for each member would double the number of runs; only the best is of interest.
            case .lineage: break
            }
        }
        return runs
    }

    private static func experiment(_ history: History, _ quantities: Quantities) -> MLflowRun {
        let record = history.record
        let definition = record.experiment.value.object ?? [:]
        var parameters: [String: String] = [:]
        for name in ["kind", "population", "intervals", "seed", "exploit", "explore", "synchronous", "objective"] {
            parameters[name] = definition[name]?.asText
        }
        for (name, value) in definition["space"]?.object ?? [:] {
            parameters[MLflowNames.name("space.\(name)")] = value.json
        }
        var tags = ["pbt.state": record.state.rawValue, "pbt.copies": String(history.copies)]
        tags["pbt.reason"] = record.reason
        if let best = history.best { tags["pbt.best"] = "\(best.id)" }
        let name = MLflowNames.name(quantities.objective?.tag ?? "score")
        let rows = history.bestSoFar(by: .finished).map { improvement in
            Row(
                step: improvement.at, time: history.genealogy[improvement.interval]?.latest ?? record.created,
                metrics: [(name, improvement.score)])
        }
        return MLflowRun(
            track: nil, key: "experiment", name: record.experiment.name, start: record.created,
            end: record.state.isOver ? record.ended ?? record.created : nil,
            status: record.state == .failed ? .failed : record.state == .finished ? .finished : .running,
            tags: cut(tags), parameters: record.state.isOver ? cut(parameters) : [:], rows: rows)
    }

    private init(_ track: Track, _ history: History, _ quantities: Quantities) {
        let isOver = history.record.state.isOver
        let newest = track.points.last?.interval
        var tags: [String: String] = [:]
        if case .member(let member) = track.kind { tags["pbt.member"] = String(member) }
        if let newest {
            let lineage = history.lineage(of: newest.id)
            tags["pbt.founder"] = lineage.first.map { "\($0.id)" }
            // The pieces from the founder to the newest interval.
            tags["pbt.lineage"] = history.pieces(to: newest.id).map { piece in
                let last =
                    piece.id == history.pieceOfPlace[history.genealogy.place(of: newest.id) ?? 0]
                    ? newest.id.index : piece.indices.upperBound
                return "\(piece.member)@\(piece.indices.lowerBound)-\(last)"
            }.joined(separator: " ")
            tags["pbt.parent"] = lineage.last { $0.isExploit }?.parent.map { "\($0)" }
            tags["pbt.copies"] = String(lineage.count { $0.isExploit })
            tags["pbt.tip"] = "\(newest.id)"
        }
        var parameters: [String: String] = [:]
        let last = track.points.last { $0.interval.state == .done } ?? track.points.last
        for (name, value) in last?.interval.hyperparameters.values ?? [:] {
            parameters[MLflowNames.name(name)] = value.asText
        }
        let ended = newest?.latest ?? history.record.ended ?? history.record.created
        self.init(
            track: track.kind, key: track.name,
            name: track.kind == .best ? "best lineage" : String(track.name.dropFirst(8)),
            start: HyperparametersPlugin.start(of: track, history), end: isOver ? ended : nil,
            status: !isOver ? .running : newest?.state == .done ? .finished : .failed, tags: Self.cut(tags),
            parameters: isOver ? Self.cut(parameters) : [:],
            rows: track.points.map { Self.row($0, of: track, quantities) })
    }

    private init(
        track: Track.Kind?, key: String, name: String, start: Timestamp, end: Timestamp?, status: Status,
        tags: [String: String], parameters: [String: String], rows: [Row]
    ) {
        self.track = track
        self.key = key
        self.name = name
        self.start = start
        self.end = end
        self.status = status
        self.tags = tags
        self.parameters = parameters
        self.rows = rows
    }

    private static func cut(_ values: [String: String]) -> [String: String] {
        values.mapValues { MLflowNames.cut($0, to: MLflowNames.tagLimit) }
    }

    private static func row(_ point: Track.Point, of track: Track, _ quantities: Quantities) -> Row {
        let interval = point.interval
        var metrics: [(name: String, value: Double)] = []
        for metric in quantities.metrics where metric.kind != .text {
            guard let number = quantities.number(metric, of: interval) else { continue }
            metrics.append((MLflowNames.name(metric.tag), number))
        }
        // MLflow parameters have a single value; a schedule does not.
        for hyperparameter in quantities.hyperparameters where hyperparameter.kind != .text {
            guard let number = interval.hyperparameters[hyperparameter.name]?.asNumber else { continue }
            metrics.append((MLflowNames.name(hyperparameter.tag), number))
        }
        if !track.isMember { metrics.append(("pbt/member", Double(interval.id.member))) }
        return Row(step: point.step, time: interval.latest, metrics: metrics)
    }

    /// Returns an identifier of the first rows: their number, and a digest of their contents.
    package func mark(of count: Int) -> String {
        var digest = Digest()
        for row in rows.prefix(count) {
            digest.add("\(row.step) \(row.time.milliseconds)")
            for metric in row.metrics { digest.add(" \(metric.name)=\(metric.value)") }
            digest.add("\n")
        }
        return "\(min(count, rows.count)) \(digest.text)"
    }

    /// Returns the number of written rows according to a mark; none when they no longer match.
    package func written(according mark: String?) -> Int? {
        guard let mark else { return 0 }
        guard let count = mark.split(separator: " ").first.flatMap({ Int($0) }), count <= rows.count, count >= 0,
            self.mark(of: count) == mark
        else { return nil }
        return count
    }
}
