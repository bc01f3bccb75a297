// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Something that is set once.
final class Latch: Sendable {
    private let value = Atomic(false)

    /// Whether it is set.
    var isSet: Bool {
        value.load(ordering: .acquiring)
    }

    /// Sets it, and returns whether it was set already.
    func set() -> Bool {
        value.exchange(true, ordering: .acquiringAndReleasing)
    }
}
