// SPDX-License-Identifier: Apache-2.0

import PBT

/// The reproducible results of two trials of one interval with the same seed.
///
/// Only results that are the same without a change show whether a change has an effect.
struct Comparison {
    /// A result that is compared.
    enum Aspect: Hashable {
        /// A metric.
        case metric(String)
        /// The bytes of the checkpoint.
        case checkpoint
    }

    /// The results that are the same in both trials.
    let stable: Set<Aspect>
    private let reference: TrialRun.Outcome

    /// Compares two trials without a change.
    init(_ reference: TrialRun.Outcome, repeated: TrialRun.Outcome) {
        self.reference = reference
        var stable = Set(
            reference.metrics.keys.filter { reference.metrics[$0] == repeated.metrics[$0] }.map { Aspect.metric($0) })
        if reference.digest == repeated.digest { stable.insert(.checkpoint) }
        self.stable = stable
    }

    private init(stable: Set<Aspect>, reference: TrialRun.Outcome) {
        self.stable = stable
        self.reference = reference
    }

    /// Returns a comparison of the same results with another reference trial.
    func with(reference: TrialRun.Outcome) -> Self {
        Self(stable: stable, reference: reference)
    }

    /// Returns true if the metric is reproducible.
    func isDeterministic(_ metric: String) -> Bool {
        stable.contains(.metric(metric))
    }

    /// Returns true if a trial with a change differs in a reproducible result.
    ///
    /// A metric that only echoes a hyperparameter says nothing about training, and is ignored.
    func hasEffect(_ other: TrialRun.Outcome) -> Bool {
        stable.contains { aspect in
            switch aspect {
            case .checkpoint: return other.digest != reference.digest
            case .metric(let name):
                let (old, new) = (reference.metrics[name], other.metrics[name])
                return old != new && !isEcho(old, new, in: other)
            }
        }
    }

    private func isEcho(_ old: Value?, _ new: Value?, in other: TrialRun.Outcome) -> Bool {
        reference.hyperparameters.names.contains { name in
            let (before, after) = (reference.hyperparameters[name], other.hyperparameters[name])
            func equals(_ a: Value?, _ b: Value?) -> Bool { a == b || (a?.double != nil && a?.double == b?.double) }
            return before != after && equals(old, before) && equals(new, after)
        }
    }
}
