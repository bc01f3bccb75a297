// SPDX-License-Identifier: Apache-2.0

package import PBT
package import PBTCheckpoints

/// Runs a persistent program once, without restarts: for trials.
package enum PersistentTrainer {
    /// Runs the program until it ends or the task is cancelled.
    ///
    /// - Parameters:
    ///   - experiment: The experiment to train, which has a trainer.
    ///   - server: The server that it claims intervals from.
    ///   - slots: The number of concurrent programs of a run, to divide the cores.
    ///   - devices: The devices that other processes leave.
    ///   - data: The data directory of its log.
    /// - Returns: A description of its end: `exit 1: no such file`.
    /// - Throws: A ``WorkerProblem`` if it cannot be started.
    package static func run(
        _ experiment: Experiment, server: PersistentWorker.Server, slots: Int, devices: DeviceAssignment?,
        data: DataDirectory
    ) async throws -> String {
        let process = try PersistentProcess(
            of: experiment, number: 0, slots: slots, server: server, environment: .current(), devices: devices,
            data: data)
        return try PersistentSlot.description(of: try await process.run(clock: ContinuousClock()), log: process.log)
    }

    /// Returns the last lines of the output of the program.
    ///
    /// - Throws: A `PBTError` with code `inputOutput`.
    package static func lastLines(of experiment: Experiment, in data: DataDirectory, count: Int) throws -> [String] {
        try LogTail.lines(of: data.programLog(0, of: experiment.name), count: count) ?? []
    }
}
