// SPDX-License-Identifier: Apache-2.0

import UnixSignals

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The signals that ask a command to stop.
enum Signals {
    /// The signals by which clusters announce the end of a job's time, as with `sbatch --signal=USR1@120`.
    static let announcements: Set<UnixSignal> = [.sigusr1, .sigusr2]

    /// All handled signals: SIGINT and SIGTERM, and the others unless the parent ignores them (`nohup`).
    static var trapped: [UnixSignal] {
        let others: [(UnixSignal, Int32)] = [(.sighup, SIGHUP), (.sigusr1, SIGUSR1), (.sigusr2, SIGUSR2)]
        return [.sigint, .sigterm] + others.filter { !isIgnored($0.1) }.map(\.0)
    }

    private static func isIgnored(_ number: Int32) -> Bool {
        var action = sigaction()
        guard sigaction(number, nil, &action) == 0 else { return true }
        #if canImport(Darwin)
            let handler = action.__sigaction_u.__sa_handler
        #else
            let handler = action.__sigaction_handler.sa_handler
        #endif
        return unsafeBitCast(handler, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self)
    }
}
