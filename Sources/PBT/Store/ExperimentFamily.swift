// SPDX-License-Identifier: Apache-2.0

/// The records of an experiment and of its baseline, the random search, if it has one: one unit to the user.
public struct ExperimentFamily: Sendable {
    /// The experiment.
    public var main: ExperimentRecord
    /// The baseline of the experiment.
    public var baseline: ExperimentRecord?

    /// The existing records, the experiment first.
    public var records: [ExperimentRecord] {
        [main] + (baseline.map { [$0] } ?? [])
    }

    /// The names of the existing experiments, that of the main one first.
    public var names: [String] {
        records.map(\.experiment.name)
    }

    /// True if nothing more will be trained.
    public var isOver: Bool {
        records.allSatisfy(\.state.isOver)
    }

    /// Reads an experiment and its baseline from a store.
    ///
    /// - Throws: A ``PBTError``: ``PBTError/Code/noSuchExperiment``, or an error of the store.
    public init(_ name: String, in store: some Store) async throws {
        main = try await store.record(of: name)
        baseline = nil
        if let definition = main.experiment.baseline {
            do {
                baseline = try await store.record(of: definition.name)
            } catch let error as PBTError where error.code == .noSuchExperiment {
                // It was removed, or the process that creates both died first; registering creates it.
            }
        }
    }
}
