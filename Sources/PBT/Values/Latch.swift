// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Something that is set once, told from one task to another.
package final class Latch: Sendable {
    private let value = Atomic(false)

    package init() {}

    /// Whether it is set.
    package var isSet: Bool {
        value.load(ordering: .acquiring)
    }

    /// Sets it.
    ///
    /// - Returns: Whether it was set already.
    @discardableResult
    package func set() -> Bool {
        value.exchange(true, ordering: .acquiringAndReleasing)
    }
}
