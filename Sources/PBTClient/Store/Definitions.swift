// SPDX-License-Identifier: Apache-2.0

import PBT
import Synchronization

/// The definitions that came over the wire, so that each comes once.
final class Definitions: Sendable {
    private struct Known {
        var version: String
        var experiment: Experiment
        /// The record as it was last, with the text that changes when it does.
        var latest: (tag: String, record: ExperimentRecord)?
    }

    private let known = Mutex<[String: Known]>([:])
    /// More experiments than anyone follows at one time.
    private let limit = 1000

    /// Whether any version of an experiment's definition is known.
    func isKnown(_ name: String) -> Bool {
        known.withLock { $0[name] != nil }
    }

    /// A definition, if this version of it is known.
    func experiment(_ name: String, version: String) -> Experiment? {
        known.withLock { known in
            known[name].flatMap { $0.version == version ? $0.experiment : nil }
        }
    }

    /// Takes in a definition.
    func add(_ experiment: Experiment, version: String) {
        known.withLock { known in
            guard known[experiment.name]?.version != version else { return }
            if known.count >= limit { known = [:] }
            known[experiment.name] = Known(version: version, experiment: experiment)
        }
    }

    /// The record that was read last, with its tag.
    func latest(_ name: String) -> (tag: String, record: ExperimentRecord)? {
        known.withLock { $0[name]?.latest }
    }

    /// Takes in a record as it was read, with its tag.
    func setLatest(_ record: ExperimentRecord, tag: String) {
        known.withLock { $0[record.experiment.name]?.latest = (tag, record) }
    }

    /// Forgets an experiment that is gone.
    func remove(_ name: String) {
        known.withLock { $0[name] = nil }
    }
}
