// SPDX-License-Identifier: Apache-2.0

/// An error with a code and a message that tells a person what went wrong, with what, and what to do next.
///
/// Match on ``code``; show ``description``.
public struct PBTError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The code of an error.
    ///
    /// Later versions may add codes.
    public struct Code: Sendable, Hashable {
        /// The name, as in the HTTP API: `leaseLost`.
        public let name: String

        /// Creates a code with a name, which this version need not know.
        public init(_ name: String) { self.name = name }

        /// A value has the wrong type or is out of range.
        public static let badValue = Code("badValue")
        /// The definition of an experiment is invalid.
        public static let badExperiment = Code("badExperiment")
        /// There is no such experiment.
        public static let noSuchExperiment = Code("noSuchExperiment")
        /// There is no such member or interval.
        public static let noSuchInterval = Code("noSuchInterval")
        /// An experiment of that name already exists with another definition.
        public static let alreadyExists = Code("alreadyExists")
        /// The lease was lost: it expired, or another worker has the interval.
        ///
        /// Nothing was written.
        public static let leaseLost = Code("leaseLost")
        /// The experiment's state does not allow it.
        public static let wrongState = Code("wrongState")
        /// The store lacks a strategy that an experiment names.
        public static let noSuchStrategy = Code("noSuchStrategy")
        /// The store cannot be opened, or is not a store of pbt.
        public static let unusableStore = Code("unusableStore")
        /// The store is busy; try again later.
        public static let storeBusy = Code("storeBusy")
        /// The contents of the store are inconsistent, by a bug or a damaged file.
        public static let inconsistent = Code("inconsistent")
        /// A file or directory cannot be read or written.
        public static let inputOutput = Code("inputOutput")
        /// Another request is doing the same at present; try again.
        public static let inProgress = Code("inProgress")
        /// There is no such checkpoint (any longer).
        public static let noSuchCheckpoint = Code("noSuchCheckpoint")
        /// There is no such log: nothing was printed yet, or another machine keeps it.
        public static let noSuchLog = Code("noSuchLog")
        /// A published checkpoint was modified.
        public static let changedCheckpoint = Code("changedCheckpoint")
        /// A request is malformed: invalid JSON, a missing field, or a parameter out of range.
        public static let badRequest = Code("badRequest")
        /// The token is missing, unknown, revoked, or expired.
        public static let unauthorized = Code("unauthorized")
        /// The scope of the token is insufficient.
        public static let forbidden = Code("forbidden")
        /// The resource was changed since the caller read it.
        public static let preconditionFailed = Code("preconditionFailed")
        /// The server cannot be reached, or its response is invalid.
        ///
        /// The request may have taken effect.
        public static let unreachable = Code("unreachable")
        /// This worker cannot train: its program, directory, or device is missing, or it is out of disk space, memory,
        /// processes, or file descriptors.
        public static let cannotTrain = Code("cannotTrain")
        /// This worker was set aside: its attempts fail where those of others succeed.
        public static let setAside = Code("setAside")
    }

    /// The code.
    public let code: Code
    /// The message for a person.
    public let message: String
    /// The individual problems of a definition, all of which are in ``message``; empty for other errors.
    public let problems: [DocumentError]
    /// The `errno` that caused it, if any; not compared by `==`.
    package let systemError: Int32?

    /// Creates an error.
    public init(_ code: Code, _ message: String) {
        self.init(code, message, systemError: nil)
    }

    /// Creates an error about a definition with any number of problems.
    public init(_ code: Code, _ message: String, problems: [DocumentError]) {
        self.init(code, message, problems: problems, systemError: nil)
    }

    package init(_ code: Code, _ message: String, problems: [DocumentError] = [], systemError: Int32?) {
        self.code = code
        self.message = message
        self.problems = problems
        self.systemError = systemError
    }

    /// Returns true if code, message, and problems are equal.
    public static func == (a: Self, b: Self) -> Bool {
        a.code == b.code && a.message == b.message && a.problems == b.problems
    }

    /// Hashes code and message.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(code)
        hasher.combine(message)
    }

    /// The message.
    public var description: String {
        message
    }
}
