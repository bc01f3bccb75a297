// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// A flag that is set once and shared between tasks.
package final class Latch: Sendable {
    private let value = Atomic(false)

    package init() {}

    /// True if it is set.
    package var isSet: Bool {
        value.load(ordering: .acquiring)
    }

    /// Sets it.
    ///
    /// - Returns: True if it was already set.
    @discardableResult
    package func set() -> Bool {
        value.exchange(true, ordering: .acquiringAndReleasing)
    }
}
