// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTReport

/// A run written down interval by interval, so that what must follow from it is known.
struct HandMadeRun {
    private(set) var intervals: [Interval] = []
    var experiment: Experiment

    init(
        _ name: String = "by hand", objective: Objective = .maximize("accuracy"), population: Int, intervals: Int,
        space: SearchSpace = ["rate": .logUniform(1e-4...1)]
    ) {
        experiment = Experiment(
            name, objective: objective, population: population, intervals: intervals, space: space)
    }

    /// Appends an interval that finished; no score: it waits.
    mutating func add(
        _ id: IntervalID, parent: IntervalID?, score: Double?, _ hyperparameters: Hyperparameters = ["rate": 0.1],
        changes: [Change] = []
    ) {
        let depth = parent.flatMap { parent in intervals.first { $0.id == parent }?.depth } ?? 0
        add(id, parent: parent, depth: depth + 1, score: score, hyperparameters, changes: changes)
    }

    /// Appends an interval of known depth, without looking for its parent.
    mutating func add(
        _ id: IntervalID, parent: IntervalID?, depth: Int, score: Double?,
        _ hyperparameters: Hyperparameters = ["rate": 0.1], changes: [Change] = []
    ) {
        var interval = Interval(
            id: id, parent: parent, hyperparameters: hyperparameters, changes: changes, depth: depth,
            created: Timestamp(milliseconds: 0))
        if let score {
            interval.state = score.isFinite ? .done : .diverged
            interval.score = score
            interval.metrics = [experiment.objective.metric: .number(score)]
            interval.sequence = Int64(intervals.count)
        }
        intervals.append(interval)
    }

    /// Changes an interval.
    mutating func change(_ id: IntervalID, _ change: (inout Interval) -> Void) {
        for place in intervals.indices where intervals[place].id == id { change(&intervals[place]) }
    }

    func history(baseline: [Interval]? = nil) -> History {
        History(SimulatedRun.record(experiment, intervals), intervals: intervals, baseline: baseline)
    }

    /// Two members, one of which is copied.
    ///
    /// At interval 3, member 1 takes over member 0, which lives on.
    static var donorLivesOn: HandMadeRun {
        var run = HandMadeRun(population: 2, intervals: 6)
        for index in 0..<6 {
            let own = index == 0 ? nil : index - 1
            run.add(
                IntervalID(member: 0, index: index), parent: own.map { IntervalID(member: 0, index: $0) },
                score: 0.4 + 0.05 * Double(index))
            let copied = IntervalID(member: 0, index: 2)
            run.add(
                IntervalID(member: 1, index: index),
                parent: index == 3 ? copied : own.map { IntervalID(member: 1, index: $0) },
                score: index < 3 ? 0.2 : 0.5 + 0.06 * Double(index), ["rate": index < 3 ? 0.01 : 0.08],
                changes: index == 3 ? [Change(name: "rate", old: 0.1, operation: "×0.8", new: 0.08)] : [])
        }
        return run
    }

    /// Four members, five intervals, three copies, a diverged one, a baseline: for pictures that must not change.
    static var small: History {
        var run = HandMadeRun(
            "small", population: 4, intervals: 5,
            space: ["rate": .logUniform(1e-4...1), "kind": .choice(["relu", "tanh"])])
        let scores = [
            [0.30, 0.50, 0.62, 0.70, 0.75], [0.20, 0.25, 0.60, 0.72, 0.80], [0.25, .nan, 0.58, 0.69, 0.78],
            [0.10, 0.12, 0.14, 0.66, 0.74],
        ]
        let donors: [IntervalID: IntervalID] = [
            IntervalID(member: 1, index: 2): IntervalID(member: 0, index: 1),
            IntervalID(member: 2, index: 2): IntervalID(member: 0, index: 1),
            IntervalID(member: 3, index: 3): IntervalID(member: 1, index: 2),
        ]
        var rates = [0.1, 0.01, 0.5, 0.001]
        var kinds = ["relu", "tanh", "relu", "tanh"]
        for index in 0..<5 {
            for member in 0..<4 {
                let id = IntervalID(member: member, index: index)
                var changes: [Change] = []
                if let donor = donors[id] {
                    let operation = member == 2 ? "resampled" : "×0.8"
                    let new = member == 2 ? 0.02 : rates[donor.member] * 0.8
                    changes = [
                        Change(name: "kind", old: .string(kinds[donor.member]), operation: "kept", new: "relu"),
                        Change(
                            name: "rate", old: .number(rates[donor.member]), operation: operation, new: .number(new)),
                    ]
                    rates[member] = new
                    kinds[member] = kinds[donor.member]
                }
                run.add(
                    id, parent: donors[id] ?? (index == 0 ? nil : IntervalID(member: member, index: index - 1)),
                    score: scores[member][index],
                    ["rate": .number(rates[member]), "kind": .string(kinds[member])], changes: changes)
            }
        }
        var baseline = HandMadeRun(population: 4, intervals: 5)
        for member in 0..<4 {
            for index in 0..<5 {
                baseline.add(
                    IntervalID(member: member, index: index),
                    parent: index == 0 ? nil : IntervalID(member: member, index: index - 1),
                    score: scores[member][0] + 0.09 * Double(index),
                    ["rate": .number([0.1, 0.01, 0.5, 0.001][member]), "kind": member % 2 == 0 ? "relu" : "tanh"])
            }
        }
        return run.history(baseline: baseline.intervals)
    }

    /// Many members and intervals: each fifth member takes over its neighbor at each fourth interval.
    static func large(members: Int, intervals: Int) -> History {
        var run = HandMadeRun(
            "large", population: members, intervals: intervals,
            space: ["rate": .logUniform(1e-4...1), "kind": .choice(["relu", "tanh"])])
        var random = SplitMix64(seed: 1)
        var depths = [Int](repeating: 0, count: members)
        for index in 0..<intervals {
            for member in 0..<members {
                let copies = index > 0 && (member + index) % 5 == 0 && index % 4 == 0
                let donor = copies ? (member + 1 + index % 7) % members : member
                let parent = index == 0 ? nil : IntervalID(member: donor, index: index - 1)
                let noise = Double(random.next() >> 11) * 0x1p-53
                depths[member] = index + 1
                run.add(
                    IntervalID(member: member, index: index), parent: parent, depth: depths[member],
                    score: 1 - 0.9 / (1 + 0.1 * Double(index)) + 0.05 * noise,
                    ["rate": .number(0.001 + 0.5 * noise), "kind": noise < 0.5 ? "relu" : "tanh"],
                    changes: copies ? [Change(name: "rate", old: 0.1, operation: "×0.8", new: .number(noise))] : [])
            }
        }
        return run.history(baseline: run.intervals)
    }
}
