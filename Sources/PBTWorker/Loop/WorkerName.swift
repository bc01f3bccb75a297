// SPDX-License-Identifier: Apache-2.0

/// The name under which a worker claims intervals: `MACHINE/PROCESS/START/RANDOM`.
///
/// It names one process for ever, so whoever runs on the same machine can tell that a worker is dead and need not wait
/// until its leases run out.
public struct WorkerName: Sendable, Hashable, CustomStringConvertible {
    let process: ProcessIdentity
    let suffix: String

    /// A name for a worker in this process.
    ///
    /// - Parameter random: Tells workers of one process apart.
    /// - Returns: The name.
    public static func current(using random: inout some RandomNumberGenerator) -> Self {
        Self(process: .current(), suffix: String(UInt32(truncatingIfNeeded: random.next()), radix: 36))
    }

    /// A name for a worker in this process, unlike any other.
    public static func current() -> Self {
        var random = SystemRandomNumberGenerator()
        return current(using: &random)
    }

    init(process: ProcessIdentity, suffix: String) {
        self.process = process
        self.suffix = suffix
    }

    /// Reads a name; nothing for names of another form.
    public init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 4, let number = Int32(parts[1]), let start = UInt64(parts[2], radix: 36) else {
            return nil
        }
        process = ProcessIdentity(machine: String(parts[0]), number: number, start: start)
        suffix = String(parts[3])
    }

    /// Whether the worker's process is known to be over; that of another machine never is.
    public var isKnownDead: Bool {
        process.isKnownDead
    }

    /// Whether the worker's process is known to live, running or stopped; that of another machine never is.
    public var isKnownAlive: Bool {
        process.isKnownAlive
    }

    /// The name as the store keeps it.
    public var description: String {
        "\(process.machine)/\(process.number)/\(String(process.start, radix: 36))/\(suffix)"
    }
}
