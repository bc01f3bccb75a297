// SPDX-License-Identifier: Apache-2.0

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension StoreClock {
    /// The time of this machine.
    ///
    /// The one place in this module that reads a clock.
    public static var system: Self {
        Self { Timestamp(milliseconds: Int64((Date().timeIntervalSince1970 * 1000).rounded(.down))) }
    }
}
