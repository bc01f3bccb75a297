// SPDX-License-Identifier: Apache-2.0

package import PBT
package import PBTCheckpoints

/// Runs a program that stays alive over intervals once, without starting it again: for trials.
package enum PersistentTrainer {
    /// Runs the program until it ends by itself, or the task is cancelled.
    ///
    /// - Parameters:
    ///   - experiment: What it trains; has a trainer.
    ///   - server: Where it asks for intervals.
    ///   - slots: How many would run at a time in a run, to divide the cores.
    ///   - data: Where its log goes.
    /// - Returns: How it ended, for a person: `exit 1: no such file`.
    /// - Throws: A ``WorkerProblem`` when it cannot be started.
    package static func run(
        _ experiment: Experiment, server: PersistentWorker.Server, slots: Int, data: DataDirectory
    ) async throws -> String {
        let process = try PersistentProcess(
            of: experiment, number: 0, slots: slots, server: server, environment: .current(), data: data)
        return try PersistentSlot.description(of: try await process.run(clock: ContinuousClock()), log: process.log)
    }

    /// The last lines that the program printed.
    ///
    /// - Throws: A `PBTError` with code `inputOutput`.
    package static func lastLines(of experiment: Experiment, in data: DataDirectory, count: Int) throws -> [String] {
        try LogTail.lines(of: data.programLog(0, of: experiment.name), count: count) ?? []
    }
}
