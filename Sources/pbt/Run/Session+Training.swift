// SPDX-License-Identifier: Apache-2.0

import Logging
import PBT
import PBTCheckpoints
import PBTWorker
import ServiceLifecycle

extension Session {
    /// Trains until the experiments are finished, or a signal ends the session.
    ///
    /// - Parameters:
    ///   - family: The experiment and its baseline.
    ///   - opened: The store.
    ///   - slots: The number of intervals that are trained at a time.
    ///   - gpus: The devices on the command line; nil for those of the definition.
    ///   - last: The number of the newest event before the run.
    ///   - options: The output options.
    /// - Throws: A ``Failure`` without a message when a signal ended it; the message has been printed then.
    static func train(
        _ family: ExperimentFamily, in opened: OpenStore, slots: Int, gpus: [String]? = nil, after last: Int64,
        options: ProgressOptions
    ) async throws {
        let status = StatusLines(isLive: options.style == .live)
        let logger = Logger(label: "pbt") { _ in StatusLogHandler(status: status, isVerbose: options.isVerbose) }
        let devices = DeviceAssignment(gpus: gpus) { logger.warning("\($0)") }
        let configuration = WorkerConfiguration(
            // A manual search never finishes; its queue may be empty.
            experiments: .named(family.names), slots: slots, end: .whenIdle)
        var logs: DataDirectory?
        let worker: any Service
        if family.main.experiment.trainer?.isPersistent == true {
            worker = PersistentService(
                opened: opened, experiments: family.names, slots: slots, devices: devices, logger: logger)
        } else {
            let checkpoints = try await opened.checkpoints()
            logs = checkpoints.data
            worker = Worker(
                store: opened.store, checkpoints: checkpoints,
                executor: CommandExecutor(slots: slots, devices: devices),
                configuration: opened.isRemote ? configuration.overNetwork : configuration, logger: logger)
        }
        let session = Session(
            worker: worker,
            progress: Progress(
                family, in: opened, after: last, status: status, slots: slots, logs: logs, options: options),
            status: status,
            watch: StoreWatch(opened: opened))
        let name = family.main.experiment.name
        guard let ended = try await session.run() else { return }
        // The running intervals may have been the last ones.
        let now = try await ExperimentFamily(name, in: opened.store)
        if now.isOver, ended == .interrupted { return }
        throw Failure(ended, interrupted: now)
    }
}

extension Failure {
    /// Prints how far a run got that a signal ended, and how to resume it.
    init(_ status: ExitStatus, interrupted family: ExperimentFamily) {
        let finished = family.records.reduce(0) { $0 + $1.intervalsFinished }
        let planned = family.records.reduce(0) { $0 + $1.intervalsPlanned }
        Output.note("stopped after \(finished) of \(planned) intervals; rerun the same command to resume")
        self.init(status, nil)
    }
}
