// SPDX-License-Identifier: Apache-2.0

/// A stable 64-bit hash (Fowler, Noll, Vo; variant 1a).
///
/// It distinguishes versions and names. Collisions are easy to construct, so it is not suitable for security.
package struct FNV1a: Sendable, Hashable {
    /// The hash of all bytes so far.
    package private(set) var value: UInt64 = 0xcbf2_9ce4_8422_2325

    package init() {}

    /// Returns the hash of some bytes.
    package init(_ bytes: some Sequence<UInt8>) {
        update(bytes)
    }

    /// Adds bytes.
    package mutating func update(_ bytes: some Sequence<UInt8>) {
        var value = value
        for byte in bytes { value = (value ^ UInt64(byte)) &* 0x100_0000_01b3 }
        self.value = value
    }
}
