// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTReport

/// Random runs: rows that a store may hold, with extreme numbers and names.
enum Runs {
    /// Returns a history, sometimes with a random search.
    static func history(_ source: inout Source, name: String? = nil) -> History {
        let experiment = experiment(&source, name: name)
        let intervals = rows(of: experiment, &source)
        let baseline = source.chance(2) ? rows(of: experiment, &source) : nil
        return History(record(experiment, intervals, &source), intervals: intervals, baseline: baseline)
    }

    private static func experiment(_ source: inout Source, name: String?) -> Experiment {
        var experiment =
            Definitions.legal(&source)
            ?? Experiment(
                "plain", objective: .maximize("score"), population: 3, intervals: 3, space: ["x": .uniform(0...1)])
        experiment.name = name ?? source.text()
        if source.chance(3) { experiment.objective.metric = source.text() }
        if source.chance(2) { experiment.objective.goal = .minimize }
        return experiment
    }

    private static func time(_ source: inout Source) -> Timestamp {
        let edge = Int64(Limits.times.upperBound)
        return Timestamp(
            milliseconds: source.chance(30)
                ? source.pick([edge, -edge, 0]) : 1_700_000_000_000 + Int64(source.below(10_000_000)))
    }

    /// All intervals of a run.
    private static func rows(of experiment: Experiment, _ source: inout Source) -> [Interval] {
        let size =
            source.chance(40) ? (members: 400, intervals: 8) : (members: source.below(12), intervals: source.below(10))
        // Scores of one kind: a run whose scores are all extreme, all the same, or all ordinary.
        let constant = source.finite()
        let kind = source.below(4)
        func score(_ source: inout Source) -> Double {
            switch kind {
            case 0: source.finite()
            case 1: constant
            case 2: constant + constant.magnitude * 1e-15 * Double(source.below(4))
            default: source.unit()
            }
        }
        let workers = (0..<1 + source.below(4)).map { _ in source.text() }
        var rows: [Interval] = []
        for member in 0..<size.members {
            let offset = source.chance(50) ? Limits.ordinals.upperBound - size.members : 0
            for index in 0..<source.below(size.intervals + 1) {
                rows.append(
                    row(
                        IntervalID(member: member + offset, index: index), experiment, after: rows, score: score,
                        workers,
                        &source))
            }
        }
        return rows
    }

    private static func row(
        _ id: IntervalID, _ experiment: Experiment, after rows: [Interval], score: (inout Source) -> Double,
        _ workers: [String], _ source: inout Source
    ) -> Interval {
        let own = rows.last.flatMap { $0.id.member == id.member ? $0 : nil }
        let parent = source.chance(4) && !rows.isEmpty ? source.pick(rows) : own
        var hyperparameters = parent?.hyperparameters ?? experiment.founder(min(id.member, 100))
        var changes: [Change] = []
        if source.chance(3), let name = hyperparameters.names.first {
            let new = source.value(depth: 1).finite
            changes.append(
                Change(
                    name: name, old: hyperparameters[name] ?? .null,
                    operation: source.pick(["×1.25", "resampled", "kept", "+1", "pushed", source.text()]), new: new))
            hyperparameters[name] = new
        }
        var interval = Interval(
            id: id,
            parent: source.chance(30) ? IntervalID(member: source.below(5), index: source.below(5)) : parent?.id,
            hyperparameters: hyperparameters, changes: changes,
            depth: source.chance(60) ? source.below(Limits.depths.upperBound) : (parent?.depth ?? 0) + 1,
            created: time(&source))
        interval.state = source.pick([.done, .done, .done, .done, .diverged, .failed, .running, .waiting])
        if interval.state == .done {
            interval.score = score(&source)
            interval.metrics[experiment.objective.metric] = .number(interval.score ?? 0)
            interval.checkpoint = source.text()
            interval.checkpointState = source.pick([.kept, .garbage, .deleted])
        }
        for _ in 0..<source.below(3) { interval.metrics[source.text()] = source.value(depth: 1).finite }
        if interval.state.isFinished {
            interval.finished = time(&source)
            interval.sequence = Int64(rows.count)
        } else {
            interval.leaseExpires = time(&source)
        }
        if interval.state != .waiting {
            interval.started = time(&source)
            interval.worker = source.pick(workers)
        }
        if source.chance(4) { interval.reason = source.text() }
        if source.chance(6) { interval.label = source.text() }
        interval.attempts = 1 + source.below(3)
        interval.failures = source.chance(5) ? source.below(Limits.ordinals.upperBound) : 0
        return interval
    }

    private static func record(
        _ experiment: Experiment, _ intervals: [Interval], _ source: inout Source
    ) -> ExperimentRecord {
        var counts: [Interval.State: Int] = [:]
        for interval in intervals { counts[interval.state, default: 0] += 1 }
        var record = ExperimentRecord(
            id: 1, experiment: experiment, state: source.pick(ExperimentRecord.State.allCases), created: time(&source),
            counts: counts, membersEnded: source.below(5), skipped: source.below(5), failuresInARow: source.below(3),
            finishedIntervals: Int64(intervals.count { $0.state.isFinished }), generation: source.below(5),
            generationBegan: time(&source))
        if source.chance(2) { record.ended = time(&source) }
        if source.chance(3) { record.reason = source.text() }
        return record
    }

    /// Returns options of a chart.
    static func options(_ source: inout Source, _ history: History) -> Chart.Options {
        Chart.Options(
            theme: source.pick(Chart.Theme.allCases), width: source.pick(Chart.Width.allCases),
            scale: source.pick([.linear, .logarithmic, .error(bound: source.finite()), .error(bound: 1)]),
            tip: source.chance(3) ? history.genealogy.intervals.randomPlace(&source)?.id : nil,
            showsBaseline: source.chance(2),
            hyperparameters: source.chance(2)
                ? [] : (0..<2).map { _ in source.pick(history.record.experiment.space.names + [source.text()]) },
            color: source.pick([
                .family, .founder, .score,
                .hyperparameter(source.pick(history.record.experiment.space.names + ["none"])),
            ]), top: source.chance(3) ? source.integer() : nil, axis: source.pick(Chart.Axis.allCases),
            lanes: source.chance(2) ? source.pick(Chart.Lanes.allCases) : nil,
            order: source.pick(Chart.RowOrder.allCases))
    }

    /// Describes a run, for failure reports.
    static func note(_ history: History) -> String {
        history.record.experiment.value.json + "\n"
            + history.genealogy.intervals.prefix(200).map { interval in
                "\(interval.id) < \(interval.parent?.description ?? "-") \(interval.state) \(interval.score ?? .nan) "
                    + "depth \(interval.depth) \(interval.hyperparameters)"
            }.joined(separator: "\n")
    }
}

extension [Interval] {
    fileprivate func randomPlace(_ source: inout Source) -> Interval? {
        isEmpty ? nil : self[source.below(count)]
    }
}
