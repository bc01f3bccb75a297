// SPDX-License-Identifier: Apache-2.0

import PBT

/// An action on an experiment that its pages offer.
enum ControlAction: String, CaseIterable {
    case pause, resume, stop, push, delete
    /// Deletes selected jobs; offered by the table of jobs.
    case deleteJobs = "delete-jobs"

    /// Returns the actions that an experiment's state allows, without those on selected rows.
    static func available(for record: ExperimentRecord) -> [ControlAction] {
        switch record.state {
        case .running: [.pause, .push, .stop, .delete]
        case .paused: [.resume, .push, .stop, .delete]
        case .failed: [.resume, .delete]
        case .finished: [.delete]
        }
    }

    /// The action in words.
    var words: String {
        self == .deleteJobs ? "delete jobs of" : rawValue
    }

    /// The consequences, for the page that asks for confirmation.
    var consequences: String {
        switch self {
        case .pause: "Running intervals will finish; no new ones start until the experiment is resumed."
        case .resume: "Workers can claim its intervals again."
        case .stop: "The experiment finishes and cannot be resumed. Running intervals are discarded."
        case .push: "Adds a member with these hyperparameters. Empty fields keep their sampled values."
        case .delete:
            "Deletes the experiment and its random search, with their checkpoints and logs. This cannot be undone."
        case .deleteJobs:
            "Its client no longer sees these jobs. Finished intervals stay in the experiment's history. This cannot be undone."
        }
    }

    /// A Boolean value indicating whether the action destroys something.
    var isDangerous: Bool { [.stop, .delete, .deleteJobs].contains(self) }
}
