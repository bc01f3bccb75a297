// SPDX-License-Identifier: Apache-2.0

public import PBT

// The data of the charts of one experiment.

extension ChartTable {
    /// Returns the data of ``Chart/curves(of:options:)``: every finished interval and its score, by lineage depth.
    ///
    /// - Parameter history: The experiment.
    /// - Returns: The table.
    public static func curves(of history: History) -> ChartTable {
        let intervals = history.genealogy.intervals
        let places = intervals.indices.filter { intervals[$0].state.isFinished }.sorted {
            (history.columns.depths[$0], $0) < (history.columns.depths[$1], $1)
        }
        let scores = Format.column(places.map { intervals[$0].score })
        let rows = zip(places, scores).map { place, score in
            let interval = intervals[place]
            return [
                "\(interval.depth)", "\(interval.id.member)", "\(interval.id.index)", score, interval.state.rawValue,
                interval.parent.map { "\($0)" } ?? "founder", interval.finished.map { "\($0)" } ?? "-",
            ]
        }
        return ChartTable(
            "Scores of \(history.record.experiment.name)",
            columns: [
                Column("Training"), Column("Member"), Column("Interval"),
                Column(history.record.experiment.objective.metric), Column("State", .left), Column("Continues", .left),
                Column("Finished", .left),
            ], rows: rows, note: rows.isEmpty ? "no interval has finished yet" : nil)
    }

    /// Returns the data of ``Chart/schedule(of:options:)``: the hyperparameters that vary along a lineage, and the
    /// changes to them.
    ///
    /// - Parameters:
    ///   - history: The experiment.
    ///   - tip: The last interval of the lineage; none: the best.
    /// - Returns: The table.
    public static func schedule(of history: History, tip: IntervalID? = nil) -> ChartTable {
        let varying = history.varying
        let lineage = (tip ?? history.best?.id).map { history.lineage(of: $0) } ?? []
        let rows = lineage.enumerated().map { step, interval in
            let changes = interval.changes.filter { !$0.isKept }.map { "\($0.name) \($0.label)" }
            return ["\(step)", "\(interval.id)", interval.finiteScore.map { Format.score($0) } ?? "-"]
                + varying.map { interval.hyperparameters[$0.name].map { Format.value($0) } ?? "-" }
                + [interval.isExploit ? "copy; \(changes.joined(separator: ", "))" : changes.joined(separator: ", ")]
        }
        return ChartTable(
            "Schedule of \(lineage.last.map { "\($0.id)" } ?? history.record.experiment.name)",
            columns: [
                Column("Interval"), Column("Trained as", .left), Column(history.record.experiment.objective.metric),
            ]
                + varying.map { Column($0.name, $0.categories == nil ? .right : .left) } + [Column("Changed", .left)],
            rows: rows, note: rows.isEmpty ? "no interval has finished yet" : nil)
    }

    /// Returns the data of ``Chart/lineage(of:options:)``: every copy, by interval.
    ///
    /// - Parameter history: The experiment.
    /// - Returns: The table.
    public static func lineage(of history: History) -> ChartTable {
        let intervals = history.genealogy.intervals
        let copies = history.pieces.filter(\.isCopy).compactMap(\.places.first)
            .sorted { (intervals[$0].id.index, $0) < (intervals[$1].id.index, $1) }
        let rows = copies.compactMap { place -> [String]? in
            guard let parent = history.genealogy.parents[place] else { return nil }
            let (interval, donor) = (intervals[place], intervals[parent])
            let loser =
                place > 0 && intervals[place - 1].id.member == interval.id.member ? intervals[place - 1] : nil
            return [
                "\(interval.id.index)", "\(interval.id.member)", loser?.finiteScore.map { Format.score($0) } ?? "-",
                "\(donor.id)", donor.finiteScore.map { Format.score($0) } ?? "-",
                history.families.survives[place]
                    ? history.families.family[place].map { "family \($0 + 1)" } ?? "surviving" : "extinct",
            ]
        }
        return ChartTable(
            "Copies of \(history.record.experiment.name)",
            columns: [
                Column("Interval"), Column("Member"), Column("Replaced score"), Column("Donor", .left),
                Column("Donor score"), Column("Lineage today", .left),
            ], rows: rows, note: rows.isEmpty ? "no member has been replaced" : nil)
    }

    /// Returns the data of ``Chart/scatter(of:options:)``: every configuration of PBT and random search, best first.
    ///
    /// - Parameter history: The experiment.
    /// - Returns: The table.
    public static func scatter(of history: History) -> ChartTable {
        let varying = history.varying
        let objective = history.record.experiment.objective
        var found: [(key: Double, row: [String])] = []
        func add(_ genealogy: Genealogy, _ kind: String) {
            let intervals = genealogy.intervals
            for (place, interval) in intervals.enumerated() {
                guard let score = interval.finiteScore else { continue }
                if place + 1 < intervals.count {
                    let next = intervals[place + 1]
                    // A configuration is shown at the end of its training.
                    if next.parent == interval.id, next.id.member == interval.id.member, next.finiteScore != nil,
                        next.hyperparameters == interval.hyperparameters
                    {
                        continue
                    }
                }
                found.append(
                    (
                        objective.key(score),
                        [kind, "\(interval.id)", Format.score(score), "\(interval.depth)"]
                            + varying.map { interval.hyperparameters[$0.name].map { Format.value($0) } ?? "-" }
                    ))
            }
        }
        add(history.genealogy, "population")
        if let baseline = history.baseline { add(baseline, history.baselineWords) }
        let order = found.indices.sorted { (found[$1].key, $0) < (found[$0].key, $1) }
        return ChartTable(
            "Configurations of \(history.record.experiment.name)",
            columns: [
                Column("Search", .left), Column("Interval", .left), Column(objective.metric), Column("Training"),
            ] + varying.map { Column($0.name, $0.categories == nil ? .right : .left) },
            rows: order.map { found[$0].row }, note: found.isEmpty ? "no interval has finished yet" : nil)
    }

    /// Returns the data of ``Chart/timeline(of:options:)``: each worker, busiest first.
    ///
    /// - Parameters:
    ///   - history: The experiment.
    ///   - showsBaseline: True to include its random search.
    /// - Returns: The table.
    public static func timeline(of history: History, showsBaseline: Bool = true) -> ChartTable {
        let times = WorkerTimes(history, showsBaseline: showsBaseline)
        let rows = times.workers.map { worker in
            let failed = worker.stretches.count { $0.state == .failed || $0.state == .diverged }
            let copies = worker.stretches.count { !$0.isBaseline && history.genealogy.intervals[$0.place].isExploit }
            return [
                worker.name, "\(worker.stretches.count)", "\(copies)", "\(failed)",
                Format.duration(.milliseconds(Int64(saturating: worker.busy))),
                Format.duration(.milliseconds(Int64(saturating: worker.presence))),
                "\(Format.fixed(worker.share * 100, decimals: 1)) %",
            ]
        }
        let unknown =
            times.unknown > 0
            ? "\(times.unknown) finished \(times.unknown == 1 ? "interval has" : "intervals have") no recorded worker or time"
            : nil
        return ChartTable(
            "Workers of \(history.record.experiment.name)",
            columns: [
                Column("Worker", .left), Column("Intervals"), Column("Copies"), Column("Diverged or failed"),
                Column("Training time"), Column("Presence"), Column("Busy"),
            ], rows: rows, note: unknown ?? (rows.isEmpty ? "no interval has started yet" : nil))
    }
}
