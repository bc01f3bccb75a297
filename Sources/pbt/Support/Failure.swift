// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import PBT
import PBTReport

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

    /// How many problems of one file are printed.
    private static let mostProblems = 20

    /// What is wrong with a file, each problem in the form that editors understand: `FILE:LINE: path: problem`.
    init(_ status: ExitStatus, file: String, _ error: DocumentError) {
        let problems = [error] + error.more
        var lines = problems.prefix(Self.mostProblems).map { Self.text(of: $0, in: file) }
        if problems.count > lines.count { lines.append("\(file): \(problems.count - lines.count) more problems") }
        // Each is a line of its own that begins like the first.
        self.init(status, lines.joined(separator: "\n" + Terminal.error.styled("error:", .red) + " "))
    }

    /// One problem of a file: `FILE:LINE: path: problem`.
    static func text(of error: DocumentError, in file: String) -> String {
        let place = error.line > 0 ? "\(file):\(error.line)" : file
        let path = error.path.isEmpty ? "" : "\(error.path): "
        return "\(place): \(path)\(error.problem)"
    }

    /// The one place where the errors of the libraries become exit codes; nothing for errors of the argument parser.
    init?(_ error: any Error) {
        switch error {
        case let failure as Failure: self = failure
        case let error as PBTError: self.init(Self.status(of: error), Hint.completed(error.message))
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
