// SPDX-License-Identifier: Apache-2.0

/// The name under which a worker claims intervals: `MACHINE/PROCESS/START/RANDOM`.
///
/// It identifies one process uniquely, so that other processes on the machine can detect that a worker is dead before
/// its leases expire.
public struct WorkerName: Sendable, Hashable, CustomStringConvertible {
    let process: ProcessIdentity
    let suffix: String

    /// Returns a name for a worker in this process.
    ///
    /// - Parameter random: The generator of the suffix that distinguishes the workers of a process.
    /// - Returns: The name.
    public static func current(using random: inout some RandomNumberGenerator) -> Self {
        Self(process: .current(), suffix: String(UInt32(truncatingIfNeeded: random.next()), radix: 36))
    }

    /// Returns a unique name for a worker in this process.
    public static func current() -> Self {
        var random = SystemRandomNumberGenerator()
        return current(using: &random)
    }

    init(process: ProcessIdentity, suffix: String) {
        self.process = process
        self.suffix = suffix
    }

    /// Parses a name; nil for other formats.
    public init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 4, let number = Int32(parts[1]), let start = UInt64(parts[2], radix: 36) else {
            return nil
        }
        process = ProcessIdentity(machine: String(parts[0]), number: number, start: start)
        suffix = String(parts[3])
    }

    /// True if the worker's process is known to have ended; false for other machines.
    public var isKnownDead: Bool {
        process.isKnownDead
    }

    /// True if the worker's process is known to exist, running or stopped; false for other machines.
    public var isKnownAlive: Bool {
        process.isKnownAlive
    }

    /// The name as it is stored.
    public var description: String {
        "\(process.machine)/\(process.number)/\(String(process.start, radix: 36))/\(suffix)"
    }
}
