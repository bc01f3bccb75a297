// SPDX-License-Identifier: Apache-2.0

import LibC
import SystemPackage

/// A unique identity of a process: its identifier alone can be reused.
struct ProcessIdentity: Sendable, Hashable {
    /// The machine and its boot, and on Linux the PID namespace.
    var machine: String
    /// The process identifier.
    var number: Int32
    /// The start time in a system-specific unit.
    var start: UInt64

    /// Returns the identity of this process.
    static func current() -> Self {
        Self(machine: thisMachine, number: getpid(), start: startTime(of: getpid()) ?? 0)
    }

    /// True if the process is known to have ended; false for other machines.
    var isKnownDead: Bool {
        machine == Self.thisMachine && Self.startTime(of: number) != start
    }

    /// True if the process is known to be alive; false for other machines.
    var isKnownAlive: Bool {
        machine == Self.thisMachine && Self.startTime(of: number) == start
    }

    /// The host name, the boot identifier, and the PID namespace, joined by dots.
    static let thisMachine: String = {
        var parts = [hostName]
        #if os(Linux)
            if let boot = text(of: "/proc/sys/kernel/random/boot_id") { parts.append(String(boot.prefix(8))) }
            var target = [CChar](repeating: 0, count: 64)
            if readlink("/proc/self/ns/pid", &target, target.count - 1) > 0 {
                parts.append(
                    String(
                        decoding: target.map { UInt8(bitPattern: $0) }.filter { (0x30...0x39).contains($0) },
                        as: UTF8.self))
            }
        #endif
        return parts.joined(separator: ".")
    }()

    /// The host name, without characters that have a meaning in a worker's name.
    static let hostName: String = {
        var buffer = [CChar](repeating: 0, count: 256)
        guard gethostname(&buffer, buffer.count - 1) == 0 else { return "localhost" }
        let name = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return name.isEmpty ? "localhost" : String(name.map { $0 == "/" || $0.isWhitespace ? "-" : $0 })
    }()

    /// Returns the start time of a process; nil if it does not exist or is a zombie.
    static func startTime(of number: Int32) -> UInt64? {
        #if os(Linux)
            // After the name in parentheses, which can contain any characters: the state is field 3, the start time
            // field 22.
            guard let line = text(of: "/proc/\(number)/stat"), let end = line.lastIndex(of: ")") else { return nil }
            let fields = line[line.index(after: end)...].split(separator: " ")
            guard fields.count > 19, fields[0] != "Z", fields[0] != "X" else { return nil }
            return UInt64(fields[19])
        #elseif canImport(Darwin)
            var info = kinfo_proc()
            var size = MemoryLayout<kinfo_proc>.stride
            var place = [CTL_KERN, KERN_PROC, KERN_PROC_PID, number]
            guard sysctl(&place, UInt32(place.count), &info, &size, nil, 0) == 0, size > 0,
                Int32(info.kp_proc.p_stat) != SZOMB
            else { return nil }
            let start = info.kp_proc.p_un.__p_starttime
            return UInt64(start.tv_sec) * 1_000_000 + UInt64(start.tv_usec)
        #else
            return kill(number, 0) == 0 || errno == EPERM ? 0 : nil
        #endif
    }

    /// Returns the text of a small system file; nil if it cannot be read, for example after the end of its process.
    static func text(of path: String) -> String? {
        bytes(of: path).map { String(decoding: $0, as: UTF8.self).trimmingNewlines }
    }

    /// Returns the bytes of a system file of unknown size.
    static func bytes(of path: String) -> [UInt8]? {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var bytes: [UInt8] = []
        while bytes.count < 1 << 22 {
            let chunk = [UInt8](unsafeUninitializedCapacity: 4096) { buffer, count in
                count = max(0, read(file, buffer.baseAddress, 4096))
            }
            if chunk.isEmpty { break }
            bytes += chunk
        }
        return bytes
    }
}

extension String {
    fileprivate var trimmingNewlines: String {
        String(drop { $0.isNewline }.reversed().drop { $0.isNewline }.reversed())
    }
}
