// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Whether something happened, told from one task to another.
final class Woken: Sendable {
    private let value = Atomic<Bool>(false)

    var isSet: Bool { value.load(ordering: .acquiring) }

    func set() { value.store(true, ordering: .releasing) }
}
