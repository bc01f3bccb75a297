// SPDX-License-Identifier: Apache-2.0

import Dispatch

/// A thread for one slot.
///
/// A trainer may compute for minutes without a pause, and writing a checkpoint to disk blocks as well. On the threads
/// that all tasks share, which are as many as there are cores, that would keep leases from being renewed.
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
