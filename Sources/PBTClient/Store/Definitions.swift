// SPDX-License-Identifier: Apache-2.0

import PBT
import Synchronization

/// A cache of experiment definitions and of the latest records, so that each definition is transferred once.
final class Definitions: Sendable {
    private struct Known {
        var version: String
        var experiment: Experiment
        /// The latest record with its entity tag.
        var latest: (tag: String, record: ExperimentRecord)?
    }

    private let known = Mutex<[String: Known]>([:])
    /// The maximum number of experiments; when it is exceeded, the cache is cleared.
    private let limit = 1000

    /// Returns true if any version of a definition is cached.
    func isKnown(_ name: String) -> Bool {
        known.withLock { $0[name] != nil }
    }

    /// Returns a definition if this version of it is cached.
    func experiment(_ name: String, version: String) -> Experiment? {
        known.withLock { known in
            known[name].flatMap { $0.version == version ? $0.experiment : nil }
        }
    }

    /// Adds a definition.
    func add(_ experiment: Experiment, version: String) {
        known.withLock { known in
            guard known[experiment.name]?.version != version else { return }
            if known.count >= limit { known = [:] }
            known[experiment.name] = Known(version: version, experiment: experiment)
        }
    }

    /// Returns the latest record with its entity tag.
    func latest(_ name: String) -> (tag: String, record: ExperimentRecord)? {
        known.withLock { $0[name]?.latest }
    }

    /// Adds the latest record with its entity tag.
    func setLatest(_ record: ExperimentRecord, tag: String) {
        known.withLock { $0[record.experiment.name]?.latest = (tag, record) }
    }

    /// Removes a deleted experiment.
    func remove(_ name: String) {
        known.withLock { $0[name] = nil }
    }
}
