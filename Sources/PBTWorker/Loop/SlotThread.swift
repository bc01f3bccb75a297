// SPDX-License-Identifier: Apache-2.0

import Dispatch

/// A task executor with a thread for one slot.
///
/// A trainer can compute for minutes without suspending, and writing a checkpoint blocks. On the global concurrent
/// executor, which has one thread for each core, that would delay the renewal of leases.
final class SlotThread: TaskExecutor {
    private let queue: DispatchQueue

    init(slot: Int) {
        queue = DispatchQueue(label: "pbt.slot.\(slot)")
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let executor = asUnownedTaskExecutor()
        queue.async { job.runSynchronously(on: executor) }
    }
}
