// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Subprocess
import SystemPackage

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

extension Command {
    /// Runs the command on a terminal of its own.
    ///
    /// `typed` is what a user has typed ahead. The answer is the exit code, and everything that the terminal was sent.
    static func onTerminal(
        _ arguments: [String], in directory: FilePath, environment: [String: String], typed: String = ""
    ) async throws -> (code: Int32, text: String) {
        let (screen, line) = try openTerminal()
        try screen.writeAll(typed.utf8)
        async let text = read(screen)
        let result = try await Subprocess.run(
            configuration(arguments, directory, environment),
            input: .fileDescriptor(line, closeAfterSpawningProcess: false),
            output: .fileDescriptor(line, closeAfterSpawningProcess: false),
            error: .fileDescriptor(line, closeAfterSpawningProcess: false))
        // Once nobody has the line any more, reading the screen ends.
        try line.close()
        let shown = try await text
        try screen.close()
        return (code(result.terminationStatus), shown)
    }

    /// Both ends of a new terminal: what a user sits at, and what the command has.
    private static func openTerminal() throws -> (screen: FileDescriptor, line: FileDescriptor) {
        #if os(Linux)
            // What `posix_openpt`, `unlockpt` and `ptsname` do, which are not imported.
            let screen = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC)
            guard screen >= 0 else { throw Errno(rawValue: errno) }
            var (lock, number) = (CInt(0), CUnsignedInt(0))
            guard ioctl(screen, 0x4004_5431, &lock) == 0, ioctl(screen, 0x8004_5430, &number) == 0 else {
                throw Errno(rawValue: errno)
            }
            let name = "/dev/pts/\(number)"
        #else
            let screen = posix_openpt(O_RDWR | O_NOCTTY)
            guard screen >= 0, grantpt(screen) == 0, unlockpt(screen) == 0 else { throw Errno(rawValue: errno) }
            let name = String(cString: ptsname(screen))
        #endif
        let line = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC)
        guard line >= 0 else { throw Errno(rawValue: errno) }
        return (FileDescriptor(rawValue: screen), FileDescriptor(rawValue: line))
    }

    private static func read(_ screen: FileDescriptor) async throws -> String {
        try await withCheckedThrowingContinuation { continuation in
            DispatchQueue.global().async {
                var bytes: [UInt8] = []
                var buffer = [UInt8](repeating: 0, count: 1 << 12)
                do {
                    while true {
                        let count = try buffer.withUnsafeMutableBytes { try screen.read(into: $0) }
                        if count == 0 { break }
                        bytes += buffer[..<count]
                    }
                } catch Errno.ioError {
                    // How Linux says that nobody has the line any more.
                } catch {
                    return continuation.resume(throwing: error)
                }
                continuation.resume(returning: String(decoding: bytes, as: UTF8.self))
            }
        }
    }
}
