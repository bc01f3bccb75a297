// SPDX-License-Identifier: Apache-2.0

import PBT

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#endif

/// The file descriptors of this process: a server must never run out of them.
///
/// Dispatch ends the process when it cannot open a file of its own (it counts the runnable threads in `/proc` now and
/// then), so running out is not an error that anyone could handle. It is avoided: connections get what is left when the
/// store, checkpoints and the log have theirs.
public enum OpenFiles {
    /// The descriptors reserved for the store's connections, directory listings, the log, and the runtime.
    static let reserve = 32
    /// Connections when nothing limits files.
    static let most = 10_000
    /// Fewer connections than this are of no use.
    static let fewest = 8

    /// The most files that this process may have open.
    public static var limit: Int {
        Int(clamping: limits().rlim_cur)
    }

    /// Raises the limit of this process to what the system allows it.
    ///
    /// For processes that start no programs: a program that is started inherits the limit, and some old ones fail with a
    /// high one.
    ///
    /// - Returns: The limit then.
    @discardableResult
    public static func raiseLimit() -> Int {
        var limits = limits()
        // More is never needed, and makes it slow to count.
        let wanted = min(limits.rlim_max, 1 << 16)
        guard wanted > limits.rlim_cur else { return limit }
        limits.rlim_cur = wanted
        // Where it is refused the limit stays as it is, and is read again.
        #if canImport(Darwin)
            _ = setrlimit(RLIMIT_NOFILE, &limits)
        #else
            _ = setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limits)
        #endif
        return limit
    }

    /// Returns the number of open files.
    static func count() -> Int {
        // The system gives out the lowest number that is free.
        (0..<Int32(clamping: min(limit, 1 << 12))).count { fcntl($0, F_GETFD) != -1 }
    }

    /// Returns the most connections of a server: each may need a second file, for a checkpoint.
    ///
    /// - Parameters:
    ///   - limit: How many files may be open.
    ///   - used: How many are open before the first connection.
    /// - Returns: A number between 8 and 10,000.
    /// - Throws: A `PBTError` with code `badValue` when so few files may be open that no server can work.
    static func connections(limit: Int, used: Int) throws -> Int {
        let number = (limit - used - reserve) / 2
        guard number >= fewest else {
            throw PBTError(
                .badValue,
                "only \(limit) files may be open, and a server needs \(used + reserve + 2 * fewest); raise the limit, for "
                    + "example with: ulimit -n 1024")
        }
        return min(number, most)
    }

    private static func limits() -> rlimit {
        var limits = rlimit()
        #if canImport(Darwin)
            let code = getrlimit(RLIMIT_NOFILE, &limits)
        #else
            let code = getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limits)
        #endif
        // It fails for arguments only that are not given here.
        return code == 0 ? limits : rlimit(rlim_cur: 256, rlim_max: 256)
    }
}
