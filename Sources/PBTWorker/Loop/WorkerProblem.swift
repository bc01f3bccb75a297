// SPDX-License-Identifier: Apache-2.0

import LibC
import PBT

/// A reason why a worker cannot train that says nothing about the interval: no program, no device, no space.
///
/// An attempt that ends with it is released, and no failure is counted. The worker backs off, and stops when it stays
/// so; see ``WorkerConfiguration/Limits``.
public struct WorkerProblem: Error, Sendable, Hashable, CustomStringConvertible {
    /// The reason, for a person.
    public var reason: String
    /// Whether it may pass by itself, such as a full disk; a missing program does not.
    public var isTransient: Bool

    /// A problem of a worker.
    public init(_ reason: String, isTransient: Bool) {
        self.reason = reason
        self.isTransient = isTransient
    }

    /// The reason, for a person.
    public var description: String {
        reason
    }

    /// The problem that an error is, if it comes from the machine and not from what is trained: a resource that ran out,
    /// or a disk that fails.
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

    /// The problem that an error is when everything that was tried is the worker's part: finding the program, making
    /// files, opening the log.
    init?(setup error: any Error) {
        if let problem = Self(resource: error) ?? Self(ofServer: error) {
            self = problem
        } else if let error = error as? PBTError, error.code == .inputOutput {
            self.init(error.message, isTransient: false)
        } else {
            return nil
        }
    }

    /// The problem that an error is when it comes from a server whose disk fails or is full.
    init?(ofServer error: any Error) {
        guard let error = error as? PBTError, error.code == .inputOutput, error.systemError == nil,
            error.message.hasPrefix("the server's disk: ")
        else { return nil }
        self.init(error.message, isTransient: true)
    }

    /// Does something that only a worker's surroundings can make fail.
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
