// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import PBT

/// Why a command ends without having done what it was asked: an exit code, and a text for a person.
struct Failure: Error {
    /// The exit code.
    var status: ExitStatus
    /// What went wrong, with what, and what to do next; nothing when all has been said already.
    var message: String?

    /// Ends with that code and text.
    init(_ status: ExitStatus, _ message: String?) {
        self.status = status
        self.message = message
    }

    /// What is wrong with a file, in the form that editors understand: `FILE:LINE: path: problem`.
    init(_ status: ExitStatus, file: String, _ error: DocumentError) {
        let place = error.line > 0 ? "\(file):\(error.line)" : file
        let path = error.path.isEmpty ? "" : "\(error.path): "
        self.init(status, "\(place): \(path)\(error.problem)")
    }

    /// The one place where the errors of the libraries become exit codes; nothing for errors of the argument parser.
    init?(_ error: any Error) {
        switch error {
        case let failure as Failure: self = failure
        case let error as PBTError: self.init(Self.status(of: error), error.message)
        case let error as DocumentError: self.init(.badFile, "\(error)")
        case is CancellationError: self.init(.interrupted, "interrupted")
        case is ValidationError, is ExitCode, is CleanExit: return nil
        default: return nil
        }
    }

    private static func status(of error: PBTError) -> ExitStatus {
        switch error.code {
        case .badValue, .wrongState, .badRequest, .unauthorized, .forbidden: .usage
        case .badExperiment, .alreadyExists, .noSuchStrategy: .badFile
        case .noSuchExperiment, .noSuchInterval, .noSuchCheckpoint: .noSuch
        case .unusableStore, .unreachable: .unreachable
        case .storeBusy, .leaseLost, .preconditionFailed: .tryLater
        case .inputOutput: .cannotWrite
        case .cannotTrain, .setAside: .cannotTrain
        default: .internalError
        }
    }
}
