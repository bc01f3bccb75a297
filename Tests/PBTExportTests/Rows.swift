// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTReport

/// Intervals written down one by one, with the times and values that other tools are told.
struct Rows {
    var experiment: Experiment
    private(set) var intervals: [Interval] = []
    /// When the experiment was created, in milliseconds.
    var created: Int64 = 1_763_000_000_000
    var state = ExperimentRecord.State.finished

    init(_ name: String = "digits", metric: String = "accuracy", space: SearchSpace = ["rate": .logUniform(1e-4...1)]) {
        experiment = Experiment(
            name, objective: .maximize(metric), population: 2, intervals: 4, space: space)
    }

    /// Appends an interval that finished one second after another; no score: it failed.
    mutating func add(
        _ member: Int, _ index: Int, parent: (Int, Int)? = nil, score: Double?,
        _ hyperparameters: Hyperparameters = ["rate": 0.1], metrics: [String: Value] = [:], changes: [Change] = []
    ) {
        let parent = parent.map { IntervalID(member: $0.0, index: $0.1) }
        let depth = parent.flatMap { parent in intervals.first { $0.id == parent }?.depth } ?? 0
        let start = created + Int64(intervals.count) * 1000
        var interval = Interval(
            id: IntervalID(member: member, index: index), parent: parent, hyperparameters: hyperparameters,
            changes: changes, depth: depth + 1, created: Timestamp(milliseconds: start))
        interval.started = Timestamp(milliseconds: start + 100)
        interval.finished = Timestamp(milliseconds: start + 850)
        interval.state = score.map { $0.isFinite ? .done : .diverged } ?? .failed
        interval.score = score
        interval.metrics = metrics
        if let score { interval.metrics[experiment.objective.metric] = .number(score) }
        interval.sequence = Int64(intervals.count)
        intervals.append(interval)
    }

    /// Appends an interval that nobody has begun.
    mutating func addWaiting(_ member: Int, _ index: Int, parent: (Int, Int)) {
        let parent = IntervalID(member: parent.0, index: parent.1)
        let depth = intervals.first { $0.id == parent }?.depth ?? 0
        intervals.append(
            Interval(
                id: IntervalID(member: member, index: index), parent: parent, hyperparameters: ["rate": 0.1],
                depth: depth + 1, created: Timestamp(milliseconds: created)))
    }

    /// The history of the first so many of the intervals.
    func history(_ count: Int = .max) -> History {
        let intervals = Array(intervals.prefix(count))
        var record = ExperimentRecord(
            id: 1, experiment: experiment, state: state, created: Timestamp(milliseconds: created),
            counts: Dictionary(grouping: intervals, by: \.state).mapValues(\.count), membersEnded: 0, skipped: 0,
            failuresInARow: 0, finishedIntervals: Int64(intervals.count), generation: 0,
            generationBegan: Timestamp(milliseconds: created))
        if state.isOver { record.ended = Timestamp(milliseconds: created + 60_000) }
        return History(record, intervals: intervals)
    }

    /// Two members; at interval 2, member 1 takes over member 0, which lives on.
    static var copied: Rows {
        var rows = Rows()
        for index in 0..<4 {
            rows.add(0, index, parent: index == 0 ? nil : (0, index - 1), score: [0.5, 0.6, 0.7, 0.8][index])
            let parent: (Int, Int)? = index == 0 ? nil : index == 2 ? (0, 1) : (1, index - 1)
            rows.add(
                1, index, parent: parent, score: [0.1, 0.3, 0.5, 0.7][index], ["rate": index < 2 ? 0.01 : 0.08],
                changes: index == 2 ? [Change(name: "rate", old: 0.1, operation: "×0.8", new: 0.08)] : [])
        }
        return rows
    }
}
