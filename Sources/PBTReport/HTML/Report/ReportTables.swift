// SPDX-License-Identifier: Apache-2.0

import PBT

/// The tables of a report that do not belong to a chart.
enum ReportTables {
    /// Returns the newest interval of each member, best first.
    static func members(of history: History) -> ChartTable {
        let objective = history.record.experiment.objective
        let intervals = history.genealogy.intervals
        let newest = intervals.indices.filter { place in
            place + 1 == intervals.count || intervals[place + 1].id.member != intervals[place].id.member
        }
        func isBest(_ place: Int) -> Bool { intervals[place].id == history.best?.id }
        // Members without a score: in order of their intervals.
        let order = newest.sorted { a, b in
            switch (intervals[a].finiteScore, intervals[b].finiteScore) {
            case (let a?, let b?) where a != b: objective.isBetter(a, than: b)
            case (_?, nil): true
            case (nil, _?): false
            default: isBest(a) == isBest(b) ? a < b : isBest(a)
            }
        }
        let columns = HyperparameterColumns(
            order.map { intervals[$0].hyperparameters }, of: history.record.experiment.space)
        let scores = Format.column(order.map { intervals[$0].finiteScore })
        let rows = order.enumerated().map { row, place in
            let interval = intervals[place]
            let isBest = interval.id == history.best?.id
            return ["\(interval.id)\(isBest ? " ★" : "")", interval.state.rawValue, scores[row]] + columns.cells[row]
                + [interval.parent.map { "\($0)" } ?? "founder", "\(interval.depth)"]
        }
        return ChartTable(
            "Members, best first",
            columns: [.init("Member", .left), .init("State", .left), .init(objective.metric)]
                + columns.names.map { .init($0) } + [.init("Continues", .left), .init("Training")],
            rows: rows,
            note: rows.isEmpty
                ? "no members yet" : columns.constants.isEmpty ? nil : "constant: \(columns.constants)"
        )
    }

    /// Returns the hyperparameters of one interval, with full precision.
    static func hyperparameters(of interval: Interval, in space: SearchSpace) -> ChartTable {
        ChartTable(
            "Final hyperparameters", columns: [.init("Hyperparameter", .left), .init("Value", .left)],
            rows: space.ordered(interval.hyperparameters.names).map { [$0, interval.hyperparameters[$0]?.json ?? ""] })
    }

    /// Returns metrics of the winner, and of the random search's winner if there is one.
    static func metrics(_ metrics: [OtherMetric], of history: History) -> ChartTable {
        let hasBaseline = history.baselineBest != nil
        return ChartTable(
            "Other metrics",
            columns: [.init("Metric", .left), .init("Winner")] + (hasBaseline ? [.init("Random search")] : []),
            rows: metrics.map { metric in
                [metric.name, metric.valueText] + (hasBaseline ? [metric.baselineText ?? "-"] : [])
            })
    }

    /// Returns the repeated evaluations of the best checkpoints.
    static func evaluations(_ intervals: [Interval]) -> ChartTable {
        ChartTable(
            "Evaluations of the best checkpoints, with fresh seeds",
            columns: [
                .init("Interval", .left), .init("Mean ± standard deviation"), .init("When trained"),
                .init("Evaluations", .left),
            ],
            rows: intervals.map { interval in
                [
                    "\(interval.id)", interval.evaluated.map { EvaluationText.text(of: $0) } ?? "-",
                    interval.finiteScore.map { Format.score($0) } ?? "-",
                    interval.evaluations.map { $0.score.map { Format.score($0) } ?? "failed" }.joined(separator: ", "),
                ]
            })
    }

    /// Returns intervals that diverged or failed, or needed more than one attempt.
    static func troubles(of history: History) -> ChartTable {
        let found = history.genealogy.intervals.filter {
            $0.state == .diverged || $0.state == .failed || $0.failures > 0
        }
        return ChartTable(
            "Intervals that diverged, failed, or had a failed attempt",
            columns: [
                .init("Interval", .left), .init("State", .left), .init("Failed attempts"), .init("Reason", .left),
                .init("Worker", .left),
            ],
            rows: found.map { interval in
                [
                    "\(interval.id)", interval.state.rawValue, "\(interval.failures)", interval.reason ?? "-",
                    interval.worker ?? "-",
                ]
            })
    }

    /// Returns the search space.
    static func space(of experiment: Experiment) -> ChartTable {
        let space = experiment.space.value.object ?? [:]
        return ChartTable(
            "Search space", columns: [.init("Hyperparameter", .left), .init("Domain", .left)],
            rows: space.sorted { $0.key < $1.key }.map { name, value in [name, words(value)] },
            note: space.isEmpty ? "not defined: hyperparameters are given by hand" : nil)
    }

    /// Returns the settings of an experiment, except the directory, which is specific to its machine.
    static func settings(of experiment: Experiment) -> ChartTable {
        ChartTable(
            "Settings", columns: [.init("Setting", .left), .init("Value", .left)],
            rows: shown(of: experiment).sorted { $0.key < $1.key }.map { [$0.key, $0.value] })
    }

    /// Returns the settings in which experiments differ.
    static func differences(of histories: [History]) -> ChartTable {
        let all = histories.map { shown(of: $0.record.experiment) }
        let names = Set(all.flatMap(\.keys)).sorted()
        let differing = names.filter { name in Set(all.map { $0[name] ?? "-" }).count > 1 }
        return ChartTable(
            "Settings that differ",
            columns: [.init("Setting", .left)]
                + histories.map { .init(PlainText.middle($0.record.experiment.name, width: 40), .left) },
            rows: differing.map { name in [name] + all.map { $0[name] ?? "-" } },
            note: differing.isEmpty ? "settings are identical" : nil)
    }

    private static func shown(of experiment: Experiment) -> [String: String] {
        var shown: [String: String] = [:]
        for (name, value) in experiment.value.object ?? [:] where name != "directory" && name != "space" {
            shown[name] = words(value)
        }
        for (name, value) in experiment.space.value.object ?? [:] { shown["space.\(name)"] = words(value) }
        return shown
    }

    /// Returns a value without JSON punctuation where it is readable without.
    private static func words(_ value: Value) -> String {
        switch value {
        case .string(let text): text
        case .object(let object):
            object.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value.json)" }.joined(separator: ", ")
        default: value.json
        }
    }
}
