// SPDX-License-Identifier: Apache-2.0

package import PBT
package import PBTReport

/// One run as MLflow is to have it: a pure function of an experiment's rows.
package struct MLflowRun: Sendable {
    /// Where a run stands, in MLflow's words.
    package enum Status: String, Sendable {
        case running = "RUNNING"
        case finished = "FINISHED"
        case failed = "FAILED"
    }

    /// The metrics of one step.
    package struct Row: Sendable {
        /// The step.
        package let step: Int
        /// When they were measured.
        package let time: Timestamp
        /// The metrics, by name; not a number where an interval diverged.
        package let metrics: [(name: String, value: Double)]
    }

    /// What it is in the experiment; none for the experiment itself.
    package let track: Track.Kind?
    /// What it is found by: `experiment`, or the name of a track.
    package let key: String
    /// What people see.
    package let name: String
    /// When it began.
    package let start: Timestamp
    /// When it ended; none while it goes on.
    package let end: Timestamp?
    /// Where it stands.
    package let status: Status
    /// What may change.
    package let tags: [String: String]
    /// What is written once: empty while the experiment goes on.
    package let parameters: [String: String]
    /// Its metrics; as the experiment goes on, there are more.
    package let rows: [Row]

    /// The runs of an experiment: its own first, then the members, then the best's ancestry.
    package static func all(of history: History) -> [MLflowRun] {
        let quantities = Quantities(history)
        var runs = [experiment(history, quantities)]
        for track in Track.all(of: history) {
            switch track.kind {
            case .member, .best: runs.append(MLflowRun(track, history, quantities))
            // An ancestry for each member would be as many runs again; the best's is what is asked for.
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
        let name = MLflowNames.name(quantities.objective.tag)
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
            // From the founder to the newest: who was trained from where to where.
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
        // Parameters are written once in MLflow; a schedule is not one value.
        for hyperparameter in quantities.hyperparameters where hyperparameter.kind != .text {
            guard let number = interval.hyperparameters[hyperparameter.name]?.asNumber else { continue }
            metrics.append((MLflowNames.name(hyperparameter.tag), number))
        }
        if !track.isMember { metrics.append(("pbt/member", Double(interval.id.member))) }
        return Row(step: point.step, time: interval.latest, metrics: metrics)
    }

    /// What the first rows are told from others by: their number, and a digest of what they hold.
    package func mark(of count: Int) -> String {
        var digest = Digest()
        for row in rows.prefix(count) {
            digest.add("\(row.step) \(row.time.milliseconds)")
            for metric in row.metrics { digest.add(" \(metric.name)=\(metric.value)") }
            digest.add("\n")
        }
        return "\(min(count, rows.count)) \(digest.text)"
    }

    /// How many of the rows were written, as a mark says; none when what was written is not what there is now.
    package func written(according mark: String?) -> Int? {
        guard let mark else { return 0 }
        guard let count = mark.split(separator: " ").first.flatMap({ Int($0) }), count <= rows.count, count >= 0,
            self.mark(of: count) == mark
        else { return nil }
        return count
    }
}
