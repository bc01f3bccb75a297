// SPDX-License-Identifier: Apache-2.0

import Logging
import PBT
import PBTWorker
import ServiceLifecycle

extension Session {
    /// Trains until all is over, or a signal ends it.
    ///
    /// - Throws: A ``Failure`` with an empty message when a signal ended it; what is to be said has been said then.
    static func train(
        _ family: ExperimentFamily, in opened: OpenStore, slots: Int, after last: Int64, options: ProgressOptions
    ) async throws {
        let status = StatusLines(isLive: options.style == .live)
        let logger = Logger(label: "pbt") { _ in StatusLogHandler(status: status, isVerbose: options.isVerbose) }
        let configuration = WorkerConfiguration(
            // A manual search is never over; its queue may be empty.
            experiments: .named(family.names), slots: slots, end: .whenIdle)
        let worker: any Service =
            if family.main.experiment.trainer?.isPersistent == true {
                PersistentService(opened: opened, experiments: family.names, slots: slots, logger: logger)
            } else {
                Worker(
                    store: opened.store, checkpoints: try await opened.checkpoints(),
                    executor: CommandExecutor(slots: slots),
                    configuration: opened.isRemote ? configuration.overNetwork : configuration, logger: logger)
            }
        let session = Session(
            worker: worker,
            progress: Progress(
                family, in: opened, after: last, status: status, slots: slots, options: options), status: status,
            watch: StoreWatch(opened: opened))
        let name = family.main.experiment.name
        guard let ended = try await session.run() else { return }
        // What was in flight may have been the last.
        let now = try await ExperimentFamily(name, in: opened.store)
        if now.isOver, ended == .interrupted { return }
        throw Failure(ended, interrupted: now)
    }
}

extension Failure {
    /// A run that a signal ended, and how to go on.
    init(_ status: ExitStatus, interrupted family: ExperimentFamily) {
        let finished = family.records.reduce(0) { $0 + $1.intervalsFinished }
        let planned = family.records.reduce(0) { $0 + $1.intervalsPlanned }
        Output.note("stopped after \(finished) of \(planned) intervals; the same command goes on from here")
        self.init(status, nil)
    }
}
