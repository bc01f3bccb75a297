// SPDX-License-Identifier: Apache-2.0

import PBT

/// An experiment, and the random search beside it if it has one: what a user thinks of as one thing.
struct ExperimentFamily: Sendable {
    /// The experiment.
    var main: ExperimentRecord
    /// Its baseline.
    var baseline: ExperimentRecord?

    /// All of them, the experiment first.
    var records: [ExperimentRecord] {
        [main] + (baseline.map { [$0] } ?? [])
    }

    /// Their names.
    var names: [String] {
        records.map(\.experiment.name)
    }

    /// Whether nothing more will be trained.
    var isOver: Bool {
        records.allSatisfy(\.state.isOver)
    }

    /// Reads both as they are now.
    ///
    /// - Throws: A ``PBTError``: ``PBTError/Code/noSuchExperiment``, or of the store's.
    init(_ name: String, in store: some Store) async throws {
        main = try await store.record(of: name)
        baseline = nil
        if let definition = main.experiment.baseline {
            do {
                baseline = try await store.record(of: definition.name)
            } catch let error as PBTError where error.code == .noSuchExperiment {
                // Removed by hand, or a process that was to create it died first; `run` makes it.
            }
        }
    }
}
