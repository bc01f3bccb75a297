// SPDX-License-Identifier: Apache-2.0

import PBT

/// What two trials of one interval with the same seed have in common.
///
/// Only what comes out the same when nothing is changed can tell whether a change had an effect.
struct Comparison {
    /// A thing that is compared.
    enum Aspect: Hashable {
        /// A metric.
        case metric(String)
        /// The bytes of the checkpoint.
        case checkpoint
    }

    /// What came out the same in both.
    let stable: Set<Aspect>
    private let reference: TrialRun.Outcome

    /// Compares two trials in which nothing was changed.
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

    /// Compares with another trial in what is stable here.
    func with(reference: TrialRun.Outcome) -> Self {
        Self(stable: stable, reference: reference)
    }

    /// Whether all that the objective depends on came out the same.
    func isDeterministic(_ metric: String) -> Bool {
        stable.contains(.metric(metric))
    }

    /// Whether a trial in which something was changed differs in anything that is stable.
    ///
    /// A metric that only repeats a hyperparameter says nothing about training, and is left out.
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
