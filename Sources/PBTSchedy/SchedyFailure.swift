// SPDX-License-Identifier: Apache-2.0

import PBT

/// A request that is refused: an HTTP status, and a text that Schedy's client shows to its user.
package struct SchedyFailure: Error, Sendable, Hashable, CustomStringConvertible {
    /// The HTTP status.
    package let status: Int
    /// What is wrong and what to do, in less than 150 characters: the client shows no more.
    package let text: String

    package init(_ status: Int, _ text: String) {
        self.status = status
        self.text = text.count < Self.longest ? text : text.prefix(Self.longest - 2) + "…"
    }

    /// An error of the store's, with the status that goes with it.
    ///
    /// The client repeats what is answered with 503 or 500, whatever the method. That is right: whoever threw this wrote
    /// nothing.
    package init(_ error: any Error) {
        switch error {
        case let failure as SchedyFailure: self = failure
        case let error as PBTError:
            switch error.code {
            case .badValue, .badExperiment, .badRequest: self.init(400, error.message)
            case .noSuchExperiment, .noSuchInterval: self.init(404, error.message)
            case .alreadyExists, .wrongState, .leaseLost: self.init(409, error.message)
            case .storeBusy, .inputOutput, .unusableStore: self.init(503, error.message)
            default: self.init(500, error.message)
            }
        default: self.init(500, "an error of the server's: \(error)")
        }
    }

    private static let longest = 150

    package var description: String {
        "\(status): \(text)"
    }

    static func noExperiment(_ name: String) -> Self {
        Self(404, "there is no experiment \"\(name.prefix(80))\"")
    }

    static func noJob(_ id: String, of experiment: String) -> Self {
        Self(404, "experiment \"\(experiment.prefix(60))\" has no job \"\(id.prefix(40))\"")
    }
}
