// SPDX-License-Identifier: Apache-2.0

import CSpawn
import Dispatch
import LibC
import PBT
import PBTCheckpoints
import SystemPackage

/// Standard output and standard error of a program: both are copied to its log as they come, and each is searched for
/// printed results by itself.
final class ProgramOutput: Sendable {
    /// What the program printed.
    struct Printed: Sendable {
        /// The results in its standard output.
        var output: ResultsScanner.Found
        /// The results in its standard error.
        var errors: ResultsScanner.Found
        /// Why its log is not complete; none when it is.
        var logProblem: String?
    }

    /// What the program writes its standard output to.
    let output: FileDescriptor
    /// What the program writes its standard error to.
    let errors: FileDescriptor
    /// Closing it says that the program and its descendants have ended.
    private let stop: FileDescriptor
    private let printed: Task<Printed, Never>

    /// The most bytes that are still read of each stream after the end: more than a pipe holds.
    private static let mostLeft = 1 << 24

    /// Opens pipes, and a log that is emptied first.
    ///
    /// - Throws: A `PBTError` with code `inputOutput` for the log, a ``WorkerProblem`` when there are no descriptors left.
    init(log: FilePath) throws {
        let file = try Self.open(log)
        var pipes: [(read: FileDescriptor, write: FileDescriptor)] = []
        do {
            for _ in 0..<3 { pipes.append(try Self.pipe()) }
        } catch {
            for descriptor in pipes.flatMap({ [$0.read, $0.write] }) + [file] { try? descriptor.close() }
            throw error
        }
        (output, errors, stop) = (pipes[0].write, pipes[1].write, pipes[2].write)
        let reader = Reader(output: pipes[0].read, errors: pipes[1].read, stop: pipes[2].read, log: file, path: log)
        printed = Task {
            await withCheckedContinuation { continuation in
                // Blocks until there is something to read, so not on a thread that tasks share.
                DispatchQueue(label: "pbt.output").async {
                    var reader = reader
                    continuation.resume(returning: reader.run())
                }
            }
        }
    }

    /// Reads what is left, and says what was printed.
    ///
    /// Called once, when nothing writes any more.
    func finish() async -> Printed {
        for descriptor in [output, errors, stop] { try? descriptor.close() }
        return await printed.value
    }

    /// Opens a log for appending, emptied first.
    static func open(_ log: FilePath) throws -> FileDescriptor {
        do {
            return try FileDescriptor.open(
                log, .writeOnly, options: [.create, .truncate, .append, .closeOnExec],
                permissions: [.ownerReadWrite, .groupRead, .otherRead])
        } catch let errno as Errno {
            throw FileSystem.error("write", log, errno.rawValue)
        }
    }

    private static func pipe() throws -> (read: FileDescriptor, write: FileDescriptor) {
        var ends: [Int32] = [-1, -1]
        let problem = pbt_pipe(&ends)
        guard problem == 0 else { throw Invocation.failure(toStart: "a program", problem) }
        return (FileDescriptor(rawValue: ends[0]), FileDescriptor(rawValue: ends[1]))
    }

    /// What runs on the thread that reads.
    private struct Reader: Sendable {
        let output: FileDescriptor
        let errors: FileDescriptor
        let stop: FileDescriptor
        let log: FileDescriptor
        let path: FilePath
        var logProblem: String?

        mutating func run() -> Printed {
            var scanners = [ResultsScanner(), ResultsScanner()]
            // Standard output first: what a program says of its own end comes on standard error, and then stands last.
            var polled = [output, errors, stop].map { pollfd(fd: $0.rawValue, events: Int16(POLLIN), revents: 0) }
            var buffer = [UInt8](repeating: 0, count: 1 << 16)
            while polled[0].fd >= 0 || polled[1].fd >= 0 {
                if poll(&polled, nfds_t(polled.count), -1) < 0, errno != EINTR { break }
                for i in 0..<2 where polled[i].fd >= 0 && polled[i].revents != 0 {
                    if !read(polled[i].fd, &buffer, &scanners[i]) { polled[i].fd = -1 }
                }
                if polled[2].revents != 0 {
                    for i in 0..<2 where polled[i].fd >= 0 { drain(polled[i].fd, &buffer, &scanners[i]) }
                    break
                }
            }
            for descriptor in [output, errors, stop, log] { try? descriptor.close() }
            return Printed(
                output: scanners[0].finish(), errors: scanners[1].finish(), logProblem: logProblem)
        }

        /// Reads what there is, at most a buffer of it.
        ///
        /// - Returns: Whether there may be more later.
        private mutating func read(_ file: Int32, _ buffer: inout [UInt8], _ scanner: inout ResultsScanner) -> Bool {
            let count = buffer.withUnsafeMutableBytes { readBytes(file, $0.baseAddress, $0.count) }
            guard count > 0 else { return count < 0 && (errno == EINTR || errno == EAGAIN) }
            scanner.consume(buffer[..<count])
            do {
                try log.writeAll(buffer[..<count])
            } catch {
                // The program must not be held up.
                logProblem = logProblem ?? "\(FileSystem.error("write", path, (error as? Errno)?.rawValue ?? EIO))"
            }
            return true
        }

        /// Reads what is left in a pipe whose writers have ended.
        private mutating func drain(_ file: Int32, _ buffer: inout [UInt8], _ scanner: inout ResultsScanner) {
            for _ in 0..<(mostLeft / buffer.count) {
                var polled = pollfd(fd: file, events: Int16(POLLIN), revents: 0)
                guard poll(&polled, 1, 0) > 0, polled.revents & Int16(POLLIN) != 0 else { return }
                guard read(file, &buffer, &scanner) else { return }
            }
        }
    }
}

private func readBytes(_ file: Int32, _ buffer: UnsafeMutableRawPointer?, _ count: Int) -> Int {
    read(file, buffer, count)
}
