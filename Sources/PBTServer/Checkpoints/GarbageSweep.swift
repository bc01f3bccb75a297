// SPDX-License-Identifier: Apache-2.0

import Logging
import PBT
import PBTCheckpoints
import ServiceLifecycle
import SystemPackage

/// Deletes checkpoints that nothing needs and uploads that nobody will finish, soon after that is so.
///
/// Workers that share the data directory delete too; workers that do not rely on this.
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
        var told: [String: String] = [:]
        while true {
            do {
                let newest = try await store.lastEvent()
                let names = try await changed(since: last)
                var areAllSwept = true
                for name in names {
                    let problem = try await problem(sweeping: name)
                    if let problem, told[name] != problem {
                        logger.warning(
                            "could not delete checkpoints that nothing needs",
                            metadata: ["experiment": "\(name)", "error": "\(problem)"])
                    }
                    told[name] = problem
                    areAllSwept = areAllSwept && problem == nil
                }
                // What is left is tried again, with all experiments.
                last = areAllSwept ? max(last ?? 0, newest) : nil
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

    /// Sweeps one experiment: files that cannot be deleted do not keep those of others.
    ///
    /// - Returns: Why something is left to be deleted; nil when nothing is.
    /// - Throws: A `PBTError` of the store's.
    private func problem(sweeping name: String) async throws -> String? {
        do {
            try await sweep(name)
            return nil
        } catch let error as PBTError where error.code == .inputOutput {
            return "\(error)"
        }
    }

    /// Deletes what nothing needs of one experiment.
    ///
    /// - Throws: A `PBTError` of the store's, or with code `inputOutput` for files that could not be deleted, after all
    ///   others were.
    func sweep(_ name: String) async throws {
        do {
            let garbage = try await store.garbage(of: name)
            if !garbage.isEmpty {
                let data = exchange.data
                let result = try await blocking { () -> (gone: [String], problem: PBTError?) in
                    let (gone, problem) = data.deleteEach(garbage, of: name)
                    return (gone, problem.map { $0 as? PBTError ?? PBTError(.inputOutput, "\($0)") })
                }
                try await store.collected(result.gone, of: name)
                logger.debug(
                    "deleted checkpoints that nothing needs",
                    metadata: ["experiment": "\(name)", "checkpoints": "\(result.gone.count)"])
                try await sweepUploads(name)
                if let problem = result.problem { throw problem }
                return
            }
            try await sweepUploads(name)
        } catch let error as PBTError where error.code == .noSuchExperiment {
            // Removed meanwhile, its files with it.
        }
    }

    private func sweepUploads(_ name: String) async throws {
        let root = exchange.data.uploads(of: name)
        let attempts = try await blocking { try FileSystem.isDirectory(root) ? FileSystem.names(in: root) : [] }
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
