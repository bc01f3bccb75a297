// SPDX-License-Identifier: Apache-2.0

/// An error of the project: what went wrong, with what, and what to do next, in one text for a person.
///
/// Match on ``code``; show ``description``.
public struct PBTError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What kind of error it is.
    ///
    /// More kinds may come.
    public struct Code: Sendable, Hashable {
        /// Its name, as the HTTP API writes it: `leaseLost`.
        public let name: String

        /// The code of that name, whether or not this version knows it.
        public init(_ name: String) { self.name = name }

        /// A value is not of the kind or in the range that it should be.
        public static let badValue = Code("badValue")
        /// An experiment's definition is wrong.
        public static let badExperiment = Code("badExperiment")
        /// There is no such experiment.
        public static let noSuchExperiment = Code("noSuchExperiment")
        /// There is no such member or interval.
        public static let noSuchInterval = Code("noSuchInterval")
        /// An experiment of that name is there already, with another definition.
        public static let alreadyExists = Code("alreadyExists")
        /// The lease was lost: its term ran out, or another worker has the interval.
        ///
        /// Nothing was written.
        public static let leaseLost = Code("leaseLost")
        /// The experiment's state does not allow it.
        public static let wrongState = Code("wrongState")
        /// A strategy that an experiment names was not given to the store.
        public static let noSuchStrategy = Code("noSuchStrategy")
        /// The store cannot be opened, or is not one of ours.
        public static let unusableStore = Code("unusableStore")
        /// The store is busy; try again later.
        public static let storeBusy = Code("storeBusy")
        /// What the store holds contradicts itself: an error of ours or a damaged file.
        public static let inconsistent = Code("inconsistent")
        /// A file or directory cannot be read or written.
        public static let inputOutput = Code("inputOutput")
        /// The same is being done at this moment by another request; try again.
        public static let inProgress = Code("inProgress")
        /// There is no such checkpoint, or not any more.
        public static let noSuchCheckpoint = Code("noSuchCheckpoint")
        /// A published checkpoint is no longer what was measured.
        public static let changedCheckpoint = Code("changedCheckpoint")
        /// A request is not one: no JSON, a field that is missing, a parameter out of range.
        public static let badRequest = Code("badRequest")
        /// There is no token, or it is unknown, revoked or expired.
        public static let unauthorized = Code("unauthorized")
        /// The token's scope does not reach.
        public static let forbidden = Code("forbidden")
        /// What was to be changed is not as the caller believes.
        public static let preconditionFailed = Code("preconditionFailed")
        /// The server cannot be reached, or its answer makes no sense.
        ///
        /// What was asked for may have happened.
        public static let unreachable = Code("unreachable")
        /// This worker cannot train: its program, directory or device is missing, or it has no space, no memory, no
        /// process or no file descriptor.
        public static let cannotTrain = Code("cannotTrain")
        /// This worker was set aside: its attempts fail where those of others succeed.
        public static let setAside = Code("setAside")
    }

    /// What kind of error it is.
    public let code: Code
    /// A text for a person: what, which, and what next.
    public let message: String
    /// Each problem of a definition by itself, where ``message`` tells them all; empty for other errors.
    public let problems: [DocumentError]
    /// The `errno` of the operating system's error that led to it, if one did; no part of what makes errors equal.
    package let systemError: Int32?

    /// An error with this code and text.
    public init(_ code: Code, _ message: String) {
        self.init(code, message, systemError: nil)
    }

    /// An error about a definition with any number of problems.
    public init(_ code: Code, _ message: String, problems: [DocumentError]) {
        self.init(code, message, problems: problems, systemError: nil)
    }

    package init(_ code: Code, _ message: String, problems: [DocumentError] = [], systemError: Int32?) {
        self.code = code
        self.message = message
        self.problems = problems
        self.systemError = systemError
    }

    /// Whether code, text and problems are equal.
    public static func == (a: Self, b: Self) -> Bool {
        a.code == b.code && a.message == b.message && a.problems == b.problems
    }

    /// Hashes code and text.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(code)
        hasher.combine(message)
    }

    /// The text for a person.
    public var description: String {
        message
    }
}
