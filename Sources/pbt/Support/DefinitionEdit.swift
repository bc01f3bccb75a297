// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTReport

/// An edit of an experiment and its random search.
struct DefinitionEdit: Sendable {
    /// One experiment of the family: its record, and its new definition.
    private struct Part: Sendable {
        let record: ExperimentRecord
        let edited: Experiment

        var differences: [Experiment.Difference] { edited.differences(from: record.experiment) }
    }

    /// The experiment before the edit.
    let record: ExperimentRecord
    private let parts: [Part]
    /// The unfinished random search that the new definition no longer has.
    private let orphan: ExperimentRecord?

    /// Compares a definition with the store's.
    ///
    /// - Parameters:
    ///   - experiment: The new definition.
    ///   - store: The store.
    /// - Throws: A ``PBTError``: ``PBTError/Code/noSuchExperiment``, or an error of the store.
    init(_ experiment: Experiment, in store: some Store) async throws {
        let family = try await ExperimentFamily(experiment.name, in: store)
        record = family.main
        var edited = experiment
        if family.main.experiment.takesMembers { edited.population = family.main.experiment.population }
        var parts = [Part(record: family.main, edited: edited)]
        var orphan: ExperimentRecord?
        if let baseline = family.baseline {
            if let edited = experiment.baseline {
                parts.append(Part(record: baseline, edited: edited))
            } else if !baseline.state.isOver {
                orphan = baseline
            }
        }
        self.parts = parts
        self.orphan = orphan
    }

    /// True if the store already has this definition.
    var isEmpty: Bool {
        parts.allSatisfy(\.differences.isEmpty) && orphan == nil
    }

    /// The differences in the experiment itself.
    var differences: [Experiment.Difference] {
        parts.first?.differences ?? []
    }

    /// The changes that are not allowed; empty when the edit can be made.
    var obstacles: [String] {
        parts.first.map { $0.edited.obstacles(toFollow: $0.record.experiment) } ?? []
    }

    /// The differences, one a line: `intervals: 3 → 6`.
    var lines: [String] {
        let all = differences
        // Only the baseline's differ when an edit was interrupted between the two.
        let shown = all.isEmpty ? parts.flatMap(\.differences) : all
        return shown.map { PlainText.line("\($0)") }
    }

    /// Makes the edit.
    ///
    /// - Parameter store: The store.
    /// - Returns: The experiment's revision in force.
    /// - Throws: A ``PBTError``.
    func make(in store: some Store) async throws -> Revision {
        var revisions: [Revision] = []
        for part in parts { revisions.append(try await store.revise(part.edited)) }
        if let orphan {
            try await store.stop(
                orphan.experiment.name, because: "the definition of \(record.experiment.name) no longer has it")
        }
        guard let revision = revisions.first else {
            throw PBTError(.inconsistent, "experiment \"\(record.experiment.name)\" was not edited")
        }
        return revision
    }
}
