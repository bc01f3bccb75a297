// SPDX-License-Identifier: Apache-2.0

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif
#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

extension StoreClock {
    /// The clock of this machine.
    ///
    /// The only code in this module that reads a clock.
    public static var system: Self {
        Self(
            { Timestamp(milliseconds: Int64((Date().timeIntervalSince1970 * 1000).rounded(.down))) },
            steady: SteadyClock(boot: Self.boot) { Self.uptime() }, pulse: { Self.uptime() })
    }

    /// Returns the milliseconds since this machine was started, excluding the time in which it was suspended.
    private static func uptime() -> Int64 {
        // CLOCK_MONOTONIC on Linux, CLOCK_UPTIME_RAW on Darwin.
        Int64((ProcessInfo.processInfo.systemUptime * 1000).rounded(.down))
    }

    /// An identifier of this boot of the machine, on Linux also of the time namespace; empty if it is unknown.
    private static let boot: String = {
        #if os(Linux)
            guard let id = try? String(contentsOfFile: "/proc/sys/kernel/random/boot_id", encoding: .utf8) else {
                return ""
            }
            var target = [CChar](repeating: 0, count: 64)
            let count = readlink("/proc/self/ns/time", &target, target.count - 1)
            let space = String(decoding: target.prefix(max(0, count)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
            return id.filter { !$0.isWhitespace } + " " + space
        #elseif canImport(Darwin)
            var text = [CChar](repeating: 0, count: 64)
            var size = text.count
            guard sysctlbyname("kern.bootsessionuuid", &text, &size, nil, 0) == 0 else { return "" }
            return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        #else
            return ""
        #endif
    }()
}
