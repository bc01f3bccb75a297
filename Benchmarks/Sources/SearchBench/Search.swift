// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTTesting

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// A search of a task with virtual workers and a store in memory.
struct Search {
    private let task: BenchTask
    private let experiment: Experiment
    private let workers: Int

    /// Reads a request: the task, the population, and rules as in an experiment file.
    ///
    /// `evaluate` needs no command here: the task evaluates.
    init(_ request: Value) throws {
        task = try .named(request.required("task", \.string))
        experiment = try Self.experiment(request, task, rules: request.required("rules", \.object))
        workers = try request.required("workers", \.int)
    }

    private static func experiment(
        _ request: Value, _ task: BenchTask, rules: [String: Value]
    ) throws -> Experiment {
        let intervals = request["intervals"]?.int ?? 1
        let plain = Experiment(
            task.name, objective: task.objective, population: try request.required("population", \.int),
            intervals: intervals, seed: UInt64(try request.required("seed", \.int)), space: task.space)
        guard let whole = plain.value.object else { throw Failure("an experiment is not an object") }
        // Rules that the request does not name have their defaults.
        let kept = ["name", "objective", "population", "intervals", "seed", "space", "order"]
        var definition = whole.filter { kept.contains($0.key) }.merging(rules) { $1 }
        let evaluate = definition.removeValue(forKey: "evaluate")
        var experiment = try Experiment(document: Document(.object(definition)), directory: "/")
        experiment.evaluate = try evaluate.map { settings in
            Experiment.Evaluate(
                candidates: try settings.required("candidates", \.int), repeats: try settings.required("repeats", \.int)
            )
        }
        // A definition that evaluates has a program; this one is not started.
        if experiment.evaluate != nil { experiment.trainer = Experiment.Trainer(command: ["true"], directory: "/") }
        // Most members of such a search end early: as many as fit into the others' budget begin.
        if case .successiveHalving(let halving) = experiment.kind {
            experiment.population = halving.founders(
                total: experiment.population * intervals, intervals: intervals)
        }
        return experiment
    }

    /// Trains until the end, and returns the regret of the best checkpoint and what it cost.
    func run() async throws -> Value {
        let start = processorTime()
        let run = VirtualRun(experiment: experiment, toy: task, workers: workers, seed: experiment.seed)
        let outcome = try await run.run()
        let cost = processorTime() - start
        let done = outcome.intervals.filter { $0.state == .done }
        let trained = outcome.intervals.filter { $0.score != nil || $0.state == .diverged }
        let end = done.filter { $0.id.index == experiment.intervals - 1 }
            .min { isBetter($0, $1) }
        let winner = done.first { $0.id == outcome.record.best }
        return [
            "regret": regret(winner), "score": number(winner?.evaluated?.mean ?? outcome.record.bestScore),
            "end": regret(end), "intervals": .integer(trained.count), "founders": .integer(founders(of: done)),
            "exploits": .integer(outcome.intervals.count { $0.isExploit }), "time": .number(outcome.time),
            "idle": .number(outcome.idle), "cpu": .number(cost),
        ]
    }

    private func isBetter(_ a: Interval, _ b: Interval) -> Bool {
        guard let a = a.score, let b = b.score else { return false }
        return experiment.objective.isBetter(a, than: b)
    }

    private func regret(_ interval: Interval?) -> Value { interval?.metrics["regret"] ?? .null }

    private func number(_ score: Double?) -> Value { score.map { .number($0) } ?? .null }

    /// Returns the number of founders that have descendants in the last generation.
    private func founders(of done: [Interval]) -> Int {
        let parents = Dictionary(uniqueKeysWithValues: done.map { ($0.id, $0.parent) })
        let roots = done.filter { $0.id.index == experiment.intervals - 1 }.map { interval in
            var id = interval.id
            while let parent = parents[id] ?? nil { id = parent }
            return id.member
        }
        return Set(roots).count
    }

    /// Returns a task's space and objective, and the hyperparameters and seeds of a population's founders.
    static func founders(_ request: Value) throws -> Value {
        let task = try BenchTask.named(request.required("task", \.string))
        let experiment = try experiment(request, task, rules: [:])
        let founders = (0..<experiment.population).map { member in
            let id = IntervalID(member: member, index: 0)
            let values: [Value] = [
                .object(experiment.founder(member).values), .integer(experiment.trainerSeed(for: id)),
            ]
            return Value.array(values)
        }
        return [
            "space": experiment.value["space"] ?? .null, "objective": experiment.value["objective"] ?? .null,
            "optimum": task.optimum.map { .number($0) } ?? .null, "founders": .array(founders),
        ]
    }
}

/// Returns the processor time of this process in seconds.
func processorTime() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}
