// SPDX-License-Identifier: Apache-2.0

import LibC
import UnixSignals

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
        has(number, SIG_IGN) ?? true
    }

    /// Returns true if a signal has a disposition, `SIG_DFL` or `SIG_IGN`; nil when that is unknown.
    static func has(_ number: Int32, _ disposition: (@convention(c) (Int32) -> Void)?) -> Bool? {
        var action = sigaction()
        guard sigaction(number, nil, &action) == 0 else { return nil }
        #if canImport(Darwin)
            let handler = action.__sigaction_u.__sa_handler
        #else
            let handler = action.__sigaction_handler.sa_handler
        #endif
        // Functions have no identity in Swift; these two are small integers in disguise.
        return unsafeBitCast(handler, to: Int.self) == unsafeBitCast(disposition, to: Int.self)
    }
}
