// SPDX-License-Identifier: Apache-2.0

import ExampleModels
import PBT
import PBTCheckpoints
import PBTReport
import PBTSQLite
import PBTWorker
import SystemPackage

extension SwiftExample {
    /// Trains one population and says what came out.
    func search(with workload: some Workload) async throws {
        guard let path = store else {
            note("everything is in memory and in a temporary directory; give --store FILE to keep it")
            return try await withTemporaryDirectory { directory in
                try await search(with: workload, in: InMemoryStore(), data: DataDirectory(directory))
            }
        }
        let file = FilePath(currentDirectory).pushing(FilePath(path))
        var data = file
        data.extension = "data"
        try await search(with: workload, in: SQLiteStore(path: file.string), data: DataDirectory(data))
    }

    private func search(with workload: some Workload, in store: some Store, data: DataDirectory) async throws {
        var experiment = workload.experiment(seed: seed, isShort: short)
        experiment.hasBaseline = randomSearch

        // This is all it takes: an experiment, a trainer, and somewhere to keep things.
        let (trained, copies) = try await train(
            experiment, with: workload, workers: workers, store: store, data: data
        ) { events in
            var copies = 0
            for try await event in events { copies += report(event, of: experiment) }
            return copies
        }

        let record = trained.record
        guard let best = trained.best, let score = best.score, let checkpoint = trained.checkpoint else {
            throw PBTError(
                .wrongState, "\(record.experiment.name) ended without a result: \(record.reason ?? "no reason")")
        }
        var loader = HistoryLoader()
        let history = try await loader.load(experiment.name, from: store).history
        if let plot {
            try write(Chart.curves(of: history).svg, to: FilePath(currentDirectory).pushing(FilePath(plot)))
        }

        let test = try workload.test(checkpoint)
        var rivalTest: [String: Value] = [:]
        if let rival = history.baselineBest, let name = experiment.baseline?.name, let saved = rival.checkpoint {
            rivalTest = try workload.test(data.checkpoint(saved, of: name))
        }
        let schedule = history.schedule(of: best.id)
        if json {
            var result: [String: Value] = [
                "experiment": .string(experiment.name), "seed": .integer(Int(seed)),
                "state": .string(record.state.rawValue),
                "best": .object(["interval": best.id.value, "score": .number(score), "test": .object(test)]),
                "checkpoint": self.store == nil ? nil : .string(checkpoint.string),
                "schedule": .array(schedule.map(\.hyperparameters.value)),
            ]
            if let rival = history.baselineBest, let score = rival.score {
                result["random_search"] = ["score": .number(score), "test": .object(rivalTest)]
            }
            print(Value.object(result).json)
            return
        }
        let metric = experiment.objective.metric
        print(
            "\(experiment.name) is \(record.state.rawValue): \(metric) \(shortened(score)) by member@interval \(best.id)"
        )
        if !test.isEmpty { print("  on the test set: \(words(test))") }
        if let rival = history.baselineBest, let score = rival.score {
            print(
                "  random search:   \(metric) \(shortened(score))\(rivalTest.isEmpty ? "" : "; on the test set: \(words(rivalTest))")"
            )
        }
        if self.store != nil { print("  checkpoint:      \(checkpoint)") }
        print("  copies:          \(copies) since this run began\n\nThe winner's schedule:")
        var table = Table(["interval"] + experiment.space.names)
        for (interval, hyperparameters) in schedule {
            table.rows.append(
                ["\(interval)"]
                    + experiment.space.names.map { name in hyperparameters[name]?.double.map(shortened) ?? "" })
        }
        print(table.text)
    }

    /// Says what an event means, if it is worth a line.
    ///
    /// - Returns: How many members were replaced.
    private func report(_ event: Event, of experiment: Experiment) -> Int {
        switch event.kind {
        case .done where event.details["best"] == true:
            guard let interval = event.interval, let score = event.details["score"]?.double else { return 0 }
            note("best so far: \(experiment.objective.metric) \(shortened(score)) by \(interval)")
        case .generation:
            let exploits = event.details["exploits"]?.array ?? []
            for exploit in exploits {
                guard let member = exploit["member"]?.int, let donor = exploit["donor"]?["member"]?.int,
                    let interval = exploit["donor"]?["interval"]?.int
                else { continue }
                note("member \(member) continues from \(donor)@\(interval)")
            }
            return exploits.count
        case .retried, .failed, .lost:
            note(
                "\(event.interval.map { "\($0) " } ?? "")\(event.kind.rawValue): \(event.details["reason"]?.string ?? "")"
            )
        default: break
        }
        return 0
    }

    private func words(_ metrics: [String: Value]) -> String {
        metrics.sorted { $0.key < $1.key }
            .map { "\($0.key) \($0.value.double.map(shortened) ?? $0.value.json)" }.joined(separator: ", ")
    }
}
