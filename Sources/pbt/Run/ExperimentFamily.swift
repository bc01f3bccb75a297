// SPDX-License-Identifier: Apache-2.0

import PBT

/// An experiment and its baseline, the random search, if it has one: one unit to the user.
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

    /// True if nothing more will be trained.
    var isOver: Bool {
        records.allSatisfy(\.state.isOver)
    }

    /// Reads both from the store.
    ///
    /// - Throws: A ``PBTError``: ``PBTError/Code/noSuchExperiment``, or an error of the store.
    init(_ name: String, in store: some Store) async throws {
        main = try await store.record(of: name)
        baseline = nil
        if let definition = main.experiment.baseline {
            do {
                baseline = try await store.record(of: definition.name)
            } catch let error as PBTError where error.code == .noSuchExperiment {
                // Deleted by the user, or the process died before it created it; `run` creates it.
            }
        }
    }
}
