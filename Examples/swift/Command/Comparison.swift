// SPDX-License-Identifier: Apache-2.0

import ExampleModels
import PBT
import PBTCheckpoints
import PBTWorker

/// PBT beside a random search with the same founders and the same budget, for several seeds.
struct Comparison {
    /// How one search did.
    struct Side {
        /// A model: its score on the validation data, and what it reaches on the test data.
        struct Model {
            var score: Double
            var test: [String: Double]
        }
        /// The model with the best score of all that were ever saved.
        var best: Model
        /// The model with the best score among the population's last.
        var end: Model
    }

    private let experiment: Experiment
    private let testObjectives: [Objective]
    private var rows: [(seed: UInt64, pbt: Side, randomSearch: Side)] = []

    /// Runs both searches for each seed.
    init<Work: Workload>(of workload: Work, options: SwiftExample) async throws {
        experiment = workload.experiment(seed: options.seed, isShort: options.short)
        testObjectives = workload.testObjectives
        for seed in options.seed..<options.seed + UInt64(options.seeds) {
            var experiment = workload.experiment(seed: seed, isShort: options.short)
            experiment.hasBaseline = true
            let searches = [experiment, experiment.baseline].compactMap { $0 }
            let sides = try await withTemporaryDirectory { directory in
                let store = InMemoryStore()
                let data = DataDirectory(directory)
                _ = try await train(experiment, with: workload, workers: options.workers, store: store, data: data)
                var sides: [Side] = []
                for search in searches { sides.append(try await Side(search, workload, store, data)) }
                return sides
            }
            rows.append((seed, sides[0], sides[1]))
            note("seed \(seed): PBT \(shortened(sides[0].best.score)), random search \(shortened(sides[1].best.score))")
        }
    }

    /// Prints the tables, or all numbers as JSON.
    func print(json: Bool) {
        guard !json else {
            let seeds = rows.map { row in
                Value.object([
                    "seed": .integer(Int(row.seed)), "pbt": row.pbt.value, "random_search": row.randomSearch.value,
                ])
            }
            return Swift.print(Value.object(["experiment": .string(experiment.name), "seeds": .array(seeds)]).json)
        }
        let goal = experiment.objective.goal == .minimize ? "less" : "more"
        Swift.print(
            """
            \(experiment.name): \(experiment.population) members × \(experiment.intervals) intervals, \(rows.count) seeds; \
            \(experiment.objective.metric), \(goal) is better.

            Best checkpoint ever, chosen by its validation score:

            \(table(\.best))
            Best of the population at the end, chosen by its validation score:

            \(table(\.end))
            """)
    }

    /// One row a seed, the medians, and who was better how often.
    private func table(_ model: KeyPath<Side, Side.Model>) -> String {
        let metric = experiment.objective.metric
        var titles = ["PBT", "random search"]
        var columns = [rows.map { $0.pbt[keyPath: model].score }, rows.map { $0.randomSearch[keyPath: model].score }]
        if !testObjectives.isEmpty { titles = titles.map { "\($0), validation \(metric)" } }
        for name in testObjectives.map(\.metric) {
            titles += ["PBT, test \(name)", "random search, test \(name)"]
            columns.append(rows.map { $0.pbt[keyPath: model].test[name] ?? .nan })
            columns.append(rows.map { $0.randomSearch[keyPath: model].test[name] ?? .nan })
        }
        var table = Table(["seed"] + titles)
        for (i, row) in rows.enumerated() {
            table.rows.append(["\(row.seed)"] + columns.map { fixed($0[i], decimals: 4) })
        }
        table.rows.append(["median"] + columns.map { fixed(median($0), decimals: 4) })
        var verdicts: [String] = []
        for (i, objective) in ([experiment.objective] + testObjectives).enumerated() {
            let (ours, theirs) = (columns[2 * i], columns[2 * i + 1])
            let wins = ours.indices.count { objective.isBetter(ours[$0], than: theirs[$0]) }
            let ties = ours.indices.count { ours[$0] == theirs[$0] }
            verdicts += ["\(wins) of \(rows.count)", ties == 0 ? "" : "\(ties) equal"]
        }
        table.rows.append(["PBT better"] + verdicts)
        return table.markdown
    }

    private func median(_ numbers: [Double]) -> Double {
        let sorted = numbers.sorted()
        return (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
    }
}

extension Comparison.Side {
    /// Reads how a search did.
    init(_ search: Experiment, _ workload: some Workload, _ store: some Store, _ data: DataDirectory) async throws {
        let intervals = try await store.intervals(of: search.name).filter { $0.state == .done }
        func model(_ candidates: [Interval]) throws -> Model {
            let best = candidates.min { a, b in
                guard let a = a.score, let b = b.score else { return false }
                return search.objective.isBetter(a, than: b)
            }
            guard let best, let score = best.score, let checkpoint = best.checkpoint else {
                throw PBTError(.wrongState, "\(search.name) with seed \(search.seed) ended without a result")
            }
            let test = try workload.test(data.checkpoint(checkpoint, of: search.name))
            return Model(score: score, test: test.compactMapValues(\.double))
        }
        let record = try await store.record(of: search.name)
        best = try model(intervals.filter { $0.id == record.best })
        end = try model(intervals.filter { $0.id.index == search.intervals - 1 })
    }

    fileprivate var value: Value {
        ["best": best.value, "end": end.value]
    }
}

extension Comparison.Side.Model {
    fileprivate var value: Value {
        ["score": .number(score), "test": .object(test.mapValues { .number($0) })]
    }
}
