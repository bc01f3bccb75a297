// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTCheckpoints
import PBTSQLite
import PBTWorker
import Synchronization
import SystemPackage

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// One workload, by the worker and a store in a file.
enum WorkloadRun {
    static func measure(_ arguments: Arguments, in directory: FilePath) async throws -> [String: Value] {
        guard var workload = Workload.all[arguments.what] else { throw Failure(Ours.usage) }
        workload.population = try arguments.integer("population") ?? workload.population
        workload.intervals = try arguments.integer("intervals") ?? workload.intervals
        workload.workers = try arguments.integer("workers") ?? workload.workers
        workload.seeds = try arguments.integer("seeds") ?? workload.seeds
        let start = Usage.now()
        let trainer = ToyTrainer(workload)
        let store = try SQLiteStore(path: arguments.text("store") ?? directory.appending("pbt.sqlite").string)
        let data = DataDirectory(directory.appending("data"))
        var records: [ExperimentRecord] = []
        for seed in 0..<workload.seeds {
            var experiment = workload.experiment(seed: seed)
            if arguments.what == "w3p" {
                guard let program = arguments.text("trainer") else { throw Failure("w3p needs --trainer PATH") }
                experiment.trainer = Experiment.Trainer(
                    command: [program, String(Int(workload.pause * 1000)), String(workload.checkpoint)],
                    directory: directory.string, workers: workload.workers)
                records.append(try await run(experiment, store, data))
            } else {
                records.append(
                    try await train(experiment, with: trainer, workers: workload.workers, store: store, data: data)
                        .record)
            }
        }
        let used = Usage.now().since(start)
        return try await line(workload, records, store, used, trainer)
    }

    /// Runs an experiment whose trainer is a command.
    private static func run(
        _ experiment: Experiment, _ store: SQLiteStore, _ data: DataDirectory
    ) async throws -> ExperimentRecord {
        _ = try await store.create(experiment)
        let slots = experiment.trainer?.workers ?? 1
        try await Worker(
            store: store, data: data, executor: CommandExecutor(),
            configuration: WorkerConfiguration(experiments: .named([experiment.name]), slots: slots)
        ).run()
        return try await store.record(of: experiment.name)
    }

    private static func line(
        _ workload: Workload, _ records: [ExperimentRecord], _ store: SQLiteStore, _ used: Usage, _ trainer: ToyTrainer
    ) async throws -> [String: Value] {
        var line: [String: Value] = [
            "run_s": used.wall.rounded4, "own_cpu_s": used.processor.rounded4,
            "peak_mib": try Usage.peakMemory().rounded4,
            "first_interval_s": .null,
        ]
        var exploits = 0
        for record in records {
            guard record.state == .finished, record.counts[.done] == record.intervalsPlanned else {
                throw Failure("\(record.experiment.name) is \(record.state): \(record.counts) \(record.reason ?? "")")
            }
            exploits += try await store.intervals(of: record.experiment.name).count(where: \.isExploit)
        }
        let steps = records.map(\.intervalsFinished).reduce(0, +)
        let best = records.compactMap(\.bestScore)
        line["steps"] = .integer(steps)
        line["exploits"] = .integer(exploits)
        line["ms_per_step"] = (1000 * used.wall / Double(steps)).rounded4
        line["cpu_ms_per_step"] = (1000 * (used.processor + Usage.ofChildren) / Double(steps)).rounded4
        if records.count == 1 {
            line["best"] = .number(best[0])
        } else {
            line["seeds"] = .integer(records.count)
            line["best_median"] = .number(best.median)
            line["best_min"] = .number(best.min() ?? .nan)
            line["best_max"] = .number(best.max() ?? .nan)
        }
        if workload.pause > 0 {
            line["utilisation"] =
                (workload.pause * Double(steps) / Double(workload.workers) / used.wall).rounded4
        }
        if trainer.tally.written.load(ordering: .relaxed) > 0 {
            let trainers = trainer.tally.written.load(ordering: .relaxed)
            line["trainer_mib"] = (Double(trainers) / 1_048_576).rounded4
            line["not_trainer_mib"] = (Double(try Usage.written() - trainers) / 1_048_576).rounded4
        }
        // When the program that started this one says when it did so.
        let first = trainer.tally.first.load(ordering: .relaxed)
        if let text = getenv("BENCH_SPAWNED"), let spawned = Int(String(cString: text)), first > 0 {
            line["first_interval_s"] = (Double(first - spawned) / 1e9).rounded4
        }
        return line
    }
}
