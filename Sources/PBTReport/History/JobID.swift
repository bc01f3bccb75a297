// SPDX-License-Identifier: Apache-2.0

package import PBT

extension Interval {
    /// The id of the interval, one everywhere: its label, which is the id of a job in Schedy's protocol, or else
    /// `MEMBER@INTERVAL`.
    package var jobID: String { label ?? id.description }

    /// The time of the last change of its state: when it was created, started or finished.
    package var modified: Timestamp {
        max(created, started ?? created, finished ?? created)
    }
}

extension Genealogy {
    /// Returns the interval with an id: `MEMBER@INTERVAL`, or a label.
    ///
    /// `MEMBER@INTERVAL` always is the interval of that member, also if a client has given this label to another one.
    package func interval(withID text: String) -> Interval? {
        if let found = IntervalID(text).flatMap({ self[$0] }) { return found }
        return intervals.indices.first { intervals[$0].label == text }.map { intervals[$0] }
    }
}

extension History {
    /// True if intervals have ids of their own: they are jobs of Schedy's clients.
    package var hasJobs: Bool {
        if record.isFromSchedy { return true }
        return genealogy.intervals.indices.contains { genealogy.intervals[$0].label != nil }
    }

    /// Returns the files of the model that a job's results name; empty for an interval whose checkpoint is in the store.
    ///
    /// Schedy's clients keep their files themselves: the store has no directory of them.
    package func modelFiles(of interval: Interval) -> [ModelFile] {
        guard keepsFilesElsewhere(interval) else { return [] }
        return ModelFile.keys.compactMap { key in
            interval.metrics[key]?.string.flatMap { $0.isEmpty ? nil : ModelFile(key: key, path: $0) }
        }
    }

    /// Returns true if the store has no files of an interval, although it refers to a checkpoint.
    package func keepsFilesElsewhere(_ interval: Interval) -> Bool {
        record.isFromSchedy || interval.label != nil
    }
}

extension History {
    /// The names of the hyperparameters that charts can show: those of the space, and others that vary.
    package var hyperparameterNames: [String] {
        let names = record.experiment.space.names
        let known = Set(names)
        return names + varying.map(\.name).filter { !known.contains($0) }
    }
}

/// A file that the results of a job name.
package struct ModelFile: Sendable, Hashable {
    /// The results that name files of a model, the preferred one first.
    package static let keys = ["model_path", "weights_path"]

    /// The name of the result.
    package let key: String
    /// The path on the machine of the job's worker, as the worker reported it.
    package let path: String
}

extension ExperimentRecord {
    /// True if a client of Schedy's protocol has created the experiment.
    package var isFromSchedy: Bool { notes["schedy"] != nil }
}
