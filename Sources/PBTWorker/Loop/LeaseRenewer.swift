// SPDX-License-Identifier: Apache-2.0

import PBT
import Synchronization

/// The lease that a slot holds, shared between the slot and the task that renews it.
///
/// One task renews all leases of a slot, one after another: a task for each interval would cost more than the rest of
/// the bookkeeping of an interval.
final class LeaseRenewer: Sendable {
    private struct Holding {
        let lease: Lease
        let interrupt: @Sendable () -> Void
        var sinceRenewal = Duration.zero
        var lastPass = ContinuousClock.now
        var isLost = false
    }

    private let holding = Mutex<Holding?>(nil)

    /// Starts to renew a lease.
    ///
    /// - Parameters:
    ///   - lease: The lease.
    ///   - interrupt: Called when the lease is lost, to end the training.
    func hold(_ lease: Lease, interrupt: @escaping @Sendable () -> Void) {
        holding.withLock { $0 = Holding(lease: lease, interrupt: interrupt) }
    }

    /// Stops renewing the lease.
    ///
    /// - Returns: True if the lease was lost.
    func drop() -> Bool {
        holding.withLock { holding in
            defer { holding = nil }
            return holding?.isLost ?? false
        }
    }

    /// Records that time has passed.
    ///
    /// - Returns: The lease, unless it was lost, and the time since its last renewal.
    func pass(_ time: Duration) -> (lease: Lease, sinceRenewal: Duration)? {
        holding.withLock { holding in
            guard var held = holding, !held.isLost else { return nil }
            // Longer than the sleep if the process was stopped.
            let now = ContinuousClock.now
            held.sinceRenewal += max(time, now - held.lastPass)
            held.lastPass = now
            holding = held
            return (held.lease, held.sinceRenewal)
        }
    }

    /// Records the renewal of a lease, if it is still the current one.
    func renewed(_ lease: Lease) {
        holding.withLock { if $0?.lease.token == lease.token { $0?.sinceRenewal = .zero } }
    }

    /// Records the loss of a lease, if it is still the current one, and ends the training.
    func lose(_ lease: Lease) {
        let interrupt = holding.withLock { holding -> (@Sendable () -> Void)? in
            guard holding?.lease.token == lease.token else { return nil }
            holding?.isLost = true
            return holding?.interrupt
        }
        interrupt?()
    }
}
