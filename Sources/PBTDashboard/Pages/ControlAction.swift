// SPDX-License-Identifier: Apache-2.0

import PBT

/// What can be done.
enum ControlAction: String, CaseIterable {
    case pause, resume, stop, push

    /// What an experiment's state allows.
    static func those(for record: ExperimentRecord) -> [ControlAction] {
        switch record.state {
        case .running: [.pause, .push, .stop]
        case .paused: [.resume, .push, .stop]
        case .failed: [.resume]
        case .finished: []
        }
    }

    /// What happens then.
    var words: String {
        switch self {
        case .pause: "What is being trained goes on; nothing new begins until it is resumed."
        case .resume: "Workers may take its intervals again."
        case .stop: "It ends for good and cannot be resumed. What is being trained is lost."
        case .push: "Queues hyperparameters by hand. What is left empty stays as it is sampled."
        }
    }
}
