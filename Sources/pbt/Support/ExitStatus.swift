// SPDX-License-Identifier: Apache-2.0

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// What the command's exit code says, to scripts and schedulers.
///
/// The numbers are those of BSD's `sysexits.h`, and 128 and the signal's number.
enum ExitStatus: Int32 {
    /// Done.
    case done = 0
    /// The experiment ended without a usable result.
    case noResult = 1
    /// The command line is wrong.
    case usage = 64
    /// The experiment file is wrong.
    case badFile = 65
    /// There is no such file, experiment, member or interval.
    case noSuch = 66
    /// The store cannot be reached or used.
    case unreachable = 69
    /// An error of this program.
    case internalError = 70
    /// This worker cannot train: no program, device, space or process; or it was set aside.
    case cannotTrain = 71
    /// A file or directory cannot be written.
    case cannotWrite = 73
    /// Something is busy: the same command may succeed later.
    case tryLater = 75
    /// Interrupted by Ctrl-C; the same command goes on.
    case interrupted = 130
    /// Asked to end by SIGTERM; the same command goes on.
    case terminated = 143

    /// Closes the stores that are open, and ends the process with this code.
    func leave() -> Never {
        OpenStores.close()
        exit(rawValue)
    }
}
