// SPDX-License-Identifier: Apache-2.0

import LibC
import SystemPackage

/// Names one process for ever: a number alone is given to another process later.
struct ProcessIdentity: Sendable, Hashable {
    /// The machine as long as it runs, and on Linux the name space in which the number counts.
    var machine: String
    /// The process's number.
    var number: Int32
    /// When it began, in a unit of the system's own.
    var start: UInt64

    /// This process.
    static func current() -> Self {
        Self(machine: thisMachine, number: getpid(), start: startTime(of: getpid()) ?? 0)
    }

    /// Whether the process is known to be over; a process of another machine is never known to be.
    var isKnownDead: Bool {
        machine == Self.thisMachine && Self.startTime(of: number) != start
    }

    /// Whether the process is known to live; a process of another machine is never known to.
    var isKnownAlive: Bool {
        machine == Self.thisMachine && Self.startTime(of: number) == start
    }

    /// The host's name, the boot, and the name space of process numbers, joined by points.
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

    /// The host's name, with characters that mean nothing in a worker's name.
    static let hostName: String = {
        var buffer = [CChar](repeating: 0, count: 256)
        guard gethostname(&buffer, buffer.count - 1) == 0 else { return "localhost" }
        let name = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return name.isEmpty ? "localhost" : String(name.map { $0 == "/" || $0.isWhitespace ? "-" : $0 })
    }()

    /// When a process began; none when there is none, or it has ended and only waits to be reaped.
    static func startTime(of number: Int32) -> UInt64? {
        #if os(Linux)
            // After the name in parentheses, which may hold anything: the state is field 3, the start field 22.
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

    /// A small file of the system's; none when it cannot be read, as when its process is gone.
    static func text(of path: String) -> String? {
        bytes(of: path).map { String(decoding: $0, as: UTF8.self).trimmingNewlines }
    }

    /// The bytes of a file of the system's, whose size is not known beforehand.
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
