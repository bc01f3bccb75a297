// SPDX-License-Identifier: Apache-2.0

/// A hash in 64 bits that is the same everywhere and for ever (Fowler, Noll, Vo; variant 1a).
///
/// To tell versions and names apart. Whoever wants to can make two texts with the same one, so it protects nothing.
package struct FNV1a: Sendable, Hashable {
    /// The hash of all bytes so far.
    package private(set) var value: UInt64 = 0xcbf2_9ce4_8422_2325

    package init() {}

    /// The hash of some bytes.
    package init(_ bytes: some Sequence<UInt8>) {
        update(bytes)
    }

    /// Takes in bytes.
    package mutating func update(_ bytes: some Sequence<UInt8>) {
        var value = value
        for byte in bytes { value = (value ^ UInt64(byte)) &* 0x100_0000_01b3 }
        self.value = value
    }
}
