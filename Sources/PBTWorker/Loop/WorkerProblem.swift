// SPDX-License-Identifier: Apache-2.0

import LibC
import PBT

/// A problem that prevents a worker from training and is unrelated to the interval: no program, no device, no disk
/// space.
///
/// The interval is released, and no failure is counted. The worker backs off, and stops if the problem persists; see
/// ``WorkerConfiguration/Limits``.
public struct WorkerProblem: Error, Sendable, Hashable, CustomStringConvertible {
    /// The reason, for messages.
    public var reason: String
    /// True if the problem can resolve by itself, such as a full disk; a missing program cannot.
    public var isTransient: Bool

    /// Creates a problem.
    public init(_ reason: String, isTransient: Bool) {
        self.reason = reason
        self.isTransient = isTransient
    }

    /// The reason, for messages.
    public var description: String {
        reason
    }

    /// Creates the problem for an error of the machine: an exhausted resource or a failing disk; nil for other errors.
    init?(resource error: any Error) {
        switch error {
        case let problem as WorkerProblem: self = problem
        case let error as PBTError where error.systemError.map(Self.isTransient) == true:
            self.init(error.message, isTransient: true)
        case let error as PBTError where error.systemError == EROFS:
            self.init(error.message, isTransient: false)
        default: return nil
        }
    }

    /// Creates the problem for an error of the setup of an attempt: finding the program, creating files, opening the
    /// log; nil for other errors.
    init?(setup error: any Error) {
        if let problem = Self(resource: error) ?? Self(ofServer: error) {
            self = problem
        } else if let error = error as? PBTError, error.code == .inputOutput {
            self.init(error.message, isTransient: false)
        } else {
            return nil
        }
    }

    /// Creates the problem for an error of a server whose disk fails or is full; nil for other errors.
    init?(ofServer error: any Error) {
        guard let error = error as? PBTError, error.code == .inputOutput, error.systemError == nil,
            error.message.hasPrefix("the server's disk: ")
        else { return nil }
        self.init(error.message, isTransient: true)
    }

    /// Runs an operation whose errors are problems of the worker.
    ///
    /// - Throws: A ``WorkerProblem`` in place of a `PBTError`.
    static func blamingWorker<Result>(_ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch let error as PBTError {
            throw Self(resource: error) ?? Self(error.message, isTransient: false)
        }
    }

    private static func isTransient(_ number: Int32) -> Bool {
        [ENOSPC, EDQUOT, EAGAIN, ENOMEM, EMFILE, ENFILE, EIO, ESTALE, ETIMEDOUT, EBUSY, ETXTBSY].contains(number)
    }
}
