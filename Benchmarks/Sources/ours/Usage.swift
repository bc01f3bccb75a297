// SPDX-License-Identifier: Apache-2.0

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// What this process has used so far.
struct Usage {
    /// Seconds since some moment.
    var wall: Double
    /// User and system time of all threads, in seconds.
    var processor: Double

    static func now() -> Usage {
        Usage(wall: seconds(CLOCK_MONOTONIC), processor: seconds(CLOCK_PROCESS_CPUTIME_ID))
    }

    /// What was used since then.
    func since(_ earlier: Usage) -> Usage {
        Usage(wall: wall - earlier.wall, processor: processor - earlier.processor)
    }

    /// Nanoseconds since 1970.
    static func wallClock() -> Int {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return time.tv_sec * 1_000_000_000 + time.tv_nsec
    }

    private static func seconds(_ clock: clockid_t) -> Double {
        var time = timespec()
        clock_gettime(clock, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    /// The time of children that ended and were waited for, in seconds.
    static var ofChildren: Double {
        var usage = rusage()
        getrusage(children, &usage)
        return Double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
            + Double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6
    }

    /// RUSAGE_CHILDREN, whose type differs between systems.
    private static let children: Int32 = -1

    /// The most memory that this process ever had, in MiB.
    ///
    /// Not `ru_maxrss`, which on Linux remembers what the program was that started this one.
    static func peakMemory() throws -> Double {
        #if os(Linux)
            return try Double(line("VmHWM:", of: "/proc/self/status")) / 1024
        #else
            var usage = rusage()
            getrusage(0, &usage)
            return Double(usage.ru_maxrss) / 1_048_576
        #endif
    }

    /// Bytes given to write calls by this process; 0 where the system does not say.
    static func written() throws -> Int {
        #if os(Linux)
            return try line("wchar:", of: "/proc/self/io")
        #else
            return 0
        #endif
    }

    /// The number on the line of a file of the system's that begins with a word.
    private static func line(_ word: String, of path: String) throws -> Int {
        guard let file = fopen(path, "r") else { throw Failure("cannot read \(path)") }
        defer { fclose(file) }
        var buffer = [CChar](repeating: 0, count: 256)
        while fgets(&buffer, 256, file) != nil {
            let text = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            let parts = text.split { $0 == " " || $0 == "\t" || $0 == "\n" }
            if parts.first == word[...], parts.count > 1, let number = Int(parts[1]) { return number }
        }
        throw Failure("\(path) has no line \(word)")
    }
}

/// Why a measurement could not be made.
struct Failure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}
