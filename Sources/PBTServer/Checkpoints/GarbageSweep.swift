// SPDX-License-Identifier: Apache-2.0

import Logging
import PBT
import PBTTransfer
import PBTWorker
import ServiceLifecycle
import SystemPackage

/// Deletes checkpoints that nothing needs and uploads that nobody will finish, soon after that is so.
///
/// Workers that share the data directory delete too; whoever comes first. Those that do not share it rely on this.
struct GarbageSweep: Service {
    let exchange: CheckpointExchange
    let logger: Logger
    /// Between two looks; news comes in bursts.
    var pause = Duration.seconds(2)

    private var store: any Store { exchange.store }

    /// Sweeps all experiments, then those that something happens to, until it is shut down.
    func run() async throws {
        do {
            try await cancelWhenGracefulShutdown { try await sweepOnAndOn() }
        } catch is CancellationError {
            // That is how it ends.
        }
    }

    private func sweepOnAndOn() async throws {
        var last: Int64?
        while true {
            do {
                let newest = try await store.lastEvent()
                let names = try await changed(since: last)
                for name in names { try await sweep(name) }
                last = max(last ?? 0, newest)
                try await store.waitForEvents(after: newest, for: .seconds(60))
            } catch let error as PBTError {
                // The store or the disk is in trouble; what is to be deleted stays to be deleted.
                logger.warning("could not delete checkpoints that nothing needs", metadata: ["error": "\(error)"])
                last = nil
            }
            try await Task.sleep(for: pause)
        }
    }

    /// The experiments that something happened to; all when nothing is known of before.
    private func changed(since last: Int64?) async throws -> [String] {
        guard let last else { return try await store.experiments().map(\.experiment.name) }
        let events = try await store.events(of: nil, after: last, limit: 1000)
        guard events.count < 1000 else { return try await changed(since: nil) }
        return Set(events.map(\.experiment)).sorted()
    }

    /// Deletes what nothing needs of one experiment.
    ///
    /// - Throws: A `PBTError` of the store's or with code `inputOutput`.
    func sweep(_ name: String) async throws {
        do {
            let garbage = try await store.garbage(of: name)
            if !garbage.isEmpty {
                let data = exchange.data
                try await blocking { try data.delete(garbage, of: name) }
                try await store.collected(garbage, of: name)
                logger.debug(
                    "deleted checkpoints that nothing needs",
                    metadata: ["experiment": "\(name)", "checkpoints": "\(garbage.count)"])
            }
            try await sweepUploads(name)
        } catch let error as PBTError where error.code == .noSuchExperiment {
            // Removed meanwhile, its files with it.
        }
    }

    private func sweepUploads(_ name: String) async throws {
        let root = exchange.data.uploads(of: name)
        let attempts = try await blocking { try FileSystem.names(in: root) }
        guard !attempts.isEmpty else { return }
        let running = Set(
            try await store.runningIntervals(of: name).map { DataDirectory.name(of: $0.id, attempt: $0.attempts) })
        for attempt in attempts where !running.contains(attempt) {
            let path = root.appending(attempt)
            exchange.uploads.forget(path)
            try await blocking { try FileTree.remove(path) }
        }
    }
}
