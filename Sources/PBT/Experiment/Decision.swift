// SPDX-License-Identifier: Apache-2.0

/// The decision about a member after one of its intervals finished.
public struct Decision: Sendable, Hashable {
    /// The kinds of outcome.
    public enum Outcome: Sendable, Hashable {
        /// It continues with its own weights and hyperparameters, unchanged.
        case continues
        /// It takes over the donor's checkpoint and hyperparameters, which are then explored; with
        /// ``ExploitRule/Takes/weights`` the checkpoint alone, and its own hyperparameters are explored.
        case exploits(IntervalID)
        /// It continues with its own weights and takes over the donor's hyperparameters, which are then explored; see
        /// ``ExploitRule/Takes/hyperparameters``.
        case adopts(IntervalID)
        /// It continues with its own weights, and its own hyperparameters are explored; see ``ExploitRule/itself``.
        case explores
        /// It could not be ranked and no donor was available: it restarts as a founder.
        case restarts
        /// It has no more intervals: its budget is spent, or it can neither continue nor be replaced.
        case ends
    }

    /// The interval that finished.
    public let interval: IntervalID
    /// The outcome for the member.
    public let outcome: Outcome
    /// The member's next interval, unless it ends.
    public let next: Interval?
    /// The expectations of a model for the hyperparameters that it chose for the next interval; nil for rules without a model.
    public let prediction: Prediction?

    package init(interval: IntervalID, outcome: Outcome, next: Interval?, prediction: Prediction? = nil) {
        self.interval = interval
        self.outcome = outcome
        self.next = next
        self.prediction = prediction
    }

    /// The outcome as one word: `continues`, `exploits`, `adopts`, `explores`, `restarts`, `ends`.
    public var name: String {
        switch outcome {
        case .continues: "continues"
        case .exploits: "exploits"
        case .adopts: "adopts"
        case .explores: "explores"
        case .restarts: "restarts"
        case .ends: "ends"
        }
    }

    /// The donor that something is taken over from; nil without one.
    public var donor: IntervalID? {
        switch outcome {
        case .exploits(let donor), .adopts(let donor): donor
        case .continues, .explores, .restarts, .ends: nil
        }
    }

    /// The decision as a JSON object with the keys `decision`, `donor`, `changes`, and `prediction`.
    public var value: Value {
        var object: [String: Value] = ["decision": .string(name)]
        if donor != nil || outcome == .explores {
            object["donor"] = donor?.value
            object["changes"] = .array((next?.changes ?? []).map(\.value))
            object["prediction"] = prediction?.value
        }
        return .object(object)
    }
}

extension Decision {
    /// Returns the decision with a record of when it was made.
    func decided(_ when: Interval.Decided) -> Self {
        var next = next
        next?.decided = when
        return Self(interval: interval, outcome: outcome, next: next, prediction: prediction)
    }

    /// True if the member's weights are replaced, so that its score no longer applies to it.
    package var replaces: Bool {
        switch outcome {
        case .exploits, .restarts: true
        case .adopts, .continues, .explores, .ends: false
        }
    }
}
