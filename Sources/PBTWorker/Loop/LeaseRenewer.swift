// SPDX-License-Identifier: Apache-2.0

import PBT
import Synchronization

/// What a slot trains now, for the task beside it that keeps the lease.
///
/// One such task serves a slot for all its intervals: to start one for each, and to wait for its end, costs more than
/// the rest of an interval does.
final class LeaseRenewer: Sendable {
    private struct Holding {
        let lease: Lease
        let interrupt: @Sendable () -> Void
        var sinceRenewal = Duration.zero
        var lastPass = ContinuousClock.now
        var isLost = false
    }

    private let holding = Mutex<Holding?>(nil)

    /// Begins to keep a lease.
    ///
    /// - Parameters:
    ///   - lease: The lease.
    ///   - interrupt: Ends the training when the lease is lost.
    func hold(_ lease: Lease, interrupt: @escaping @Sendable () -> Void) {
        holding.withLock { $0 = Holding(lease: lease, interrupt: interrupt) }
    }

    /// Ends to keep it.
    ///
    /// - Returns: Whether it was lost meanwhile.
    func drop() -> Bool {
        holding.withLock { holding in
            defer { holding = nil }
            return holding?.isLost ?? false
        }
    }

    /// Notes that time has passed.
    ///
    /// - Returns: The lease that is kept and not lost, and how long ago it was renewed.
    func pass(_ time: Duration) -> (lease: Lease, sinceRenewal: Duration)? {
        holding.withLock { holding in
            guard var held = holding, !held.isLost else { return nil }
            // More than was slept when the process was stopped meanwhile.
            let now = ContinuousClock.now
            held.sinceRenewal += max(time, now - held.lastPass)
            held.lastPass = now
            holding = held
            return (held.lease, held.sinceRenewal)
        }
    }

    /// Notes that a lease was renewed, if it is still the one that is kept.
    func renewed(_ lease: Lease) {
        holding.withLock { if $0?.lease.token == lease.token { $0?.sinceRenewal = .zero } }
    }

    /// Notes that a lease was lost, if it is still the one that is kept, and ends its training.
    func lose(_ lease: Lease) {
        let interrupt = holding.withLock { holding -> (@Sendable () -> Void)? in
            guard holding?.lease.token == lease.token else { return nil }
            holding?.isLost = true
            return holding?.interrupt
        }
        interrupt?()
    }
}
