// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTWorker
import SystemPackage

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The same work with nothing of ours but the trainer: the least that it costs in Swift, one interval at a time.
enum Floor {
    static func measure(_ arguments: Arguments, in directory: FilePath) async throws -> [String: Value] {
        let name = arguments.text("workload") ?? "w1"
        guard let workload = Workload.all[name] else { throw Failure(Ours.usage) }
        let trainer = ToyTrainer(workload)
        let start = Usage.now()
        for interval in 0..<workload.intervals {
            for member in 0..<workload.population {
                let context = TrainingContext(
                    experiment: "floor", member: member, interval: interval, attempt: 1, seed: 0,
                    hyperparameters: ["h0": 0.5, "h1": 0.5])
                let folder = directory.appending("\(member)-\(interval)")
                let last = directory.appending("\(member)-\(interval - 1)")
                var model = interval == 0 ? trainer.start(context) : try trainer.restore(from: last, context)
                try trainer.train(&model, context)
                _ = trainer.evaluate(model, context)
                guard mkdir(folder.string, 0o777) == 0 else { throw Failure("cannot make \(folder)") }
                try trainer.save(model, to: folder, context)
                if interval > 0 {
                    guard unlink(last.appending("model.bin").string) == 0, rmdir(last.string) == 0 else {
                        throw Failure("cannot delete \(last)")
                    }
                }
            }
        }
        let used = Usage.now().since(start)
        let steps = workload.population * workload.intervals
        return [
            "peer": "floor-swift", "workload": .string(name), "steps": .integer(steps), "run_s": used.wall.rounded4,
            "ms_per_step": (1000 * used.wall / Double(steps)).rounded4,
            "cpu_ms_per_step": (1000 * used.processor / Double(steps)).rounded4,
            "peak_mib": try Usage.peakMemory().rounded4,
        ]
    }
}
