// SPDX-License-Identifier: Apache-2.0

import PBT

extension Failure {
    /// Maps an error of the libraries to an exit code and a message; the only place that does.
    ///
    /// Nil for errors of the argument parser, which prints its own, and for errors that nothing expects.
    init?(_ error: any Error) {
        switch error {
        case let failure as Failure: self = failure
        case let error as PBTError: self.init(Self.status(of: error), Hint.completed(error.message))
        case let error as DocumentError: self.init(.badFile, "\(error)")
        case is CancellationError: self.init(.interrupted, "interrupted")
        default: return nil
        }
    }

    private static func status(of error: PBTError) -> ExitStatus {
        switch error.code {
        case .badValue, .wrongState, .badRequest, .unauthorized, .forbidden: .usage
        case .badExperiment, .alreadyExists, .noSuchStrategy: .badFile
        case .noSuchExperiment, .noSuchInterval, .noSuchCheckpoint, .noSuchLog: .noSuch
        case .unusableStore, .unreachable: .unreachable
        case .storeBusy, .leaseLost, .preconditionFailed: .tryLater
        case .inputOutput: .cannotWrite
        case .cannotTrain, .setAside: .cannotTrain
        default: .internalError
        }
    }
}
