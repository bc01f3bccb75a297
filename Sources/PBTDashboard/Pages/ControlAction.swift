// SPDX-License-Identifier: Apache-2.0

import PBT

/// An action on an experiment that its pages offer.
enum ControlAction: String, CaseIterable {
    case pause, resume, stop, push

    /// Returns the actions that an experiment's state allows.
    static func available(for record: ExperimentRecord) -> [ControlAction] {
        switch record.state {
        case .running: [.pause, .push, .stop]
        case .paused: [.resume, .push, .stop]
        case .failed: [.resume]
        case .finished: []
        }
    }

    /// The consequences, for the page that asks for confirmation.
    var consequences: String {
        switch self {
        case .pause: "Running intervals will finish; no new ones start until the experiment is resumed."
        case .resume: "Workers can claim its intervals again."
        case .stop: "The experiment finishes and cannot be resumed. Running intervals are discarded."
        case .push: "Adds a member with these hyperparameters. Empty fields keep their sampled values."
        }
    }
}
