// SPDX-License-Identifier: Apache-2.0

/// The command's exit code, for scripts and schedulers.
///
/// The numbers are those of BSD's `sysexits.h`, and 128 plus the signal's number.
enum ExitStatus: Int32 {
    /// Done.
    case done = 0
    /// The experiment ended without a usable result.
    case noResult = 1
    /// The command line is invalid.
    case usage = 64
    /// The experiment file is invalid.
    case badFile = 65
    /// There is no such file, experiment, member or interval.
    case noSuch = 66
    /// The store cannot be reached or used.
    case unreachable = 69
    /// An error of this program.
    case internalError = 70
    /// This worker cannot train (program, device, space or process), or was set aside.
    case cannotTrain = 71
    /// A file or directory cannot be written.
    case cannotWrite = 73
    /// Something is busy: the same command may succeed later.
    case tryLater = 75
    /// Interrupted by Ctrl-C; the same command resumes.
    case interrupted = 130
    /// Terminated by SIGTERM; the same command resumes.
    case terminated = 143
}
