// SPDX-License-Identifier: Apache-2.0

import CSpawn
import Dispatch
import LibC
import PBT
import SystemPackage

/// A program with its arguments, environment, and working directory.
struct Invocation: Sendable {
    /// The exit status of a program.
    enum Status: Sendable, Hashable {
        /// It exited with this code.
        case exited(Int32)
        /// It was killed by this signal.
        case signaled(Int32)
    }

    /// The path of the program.
    let program: FilePath
    /// The arguments, starting with the name of the program; without null characters.
    let arguments: [String]
    /// The environment: entries `NAME=value` with a terminating zero.
    let environment: [[UInt8]]
    /// The working directory.
    let directory: FilePath

    /// Starts the program as the leader of its own process group; signals to the group of this process do not reach it.
    ///
    /// A cancellation of the task has no effect.
    ///
    /// - Parameters:
    ///   - output: The file for its standard output.
    ///   - errors: The file for its standard error.
    ///   - ended: Called once, on its own thread, when the program has ended. On Linux its process identifier is not
    ///     reused before ``reap(_:)``.
    /// - Returns: The identifier of the process and of its group.
    /// - Throws: A ``WorkerProblem`` if it cannot be started on this machine; a `PBTError` with code `badExperiment` if
    ///   its arguments are too long.
    func start(
        output: FileDescriptor, errors: FileDescriptor,
        whenEnded ended: @escaping @Sendable (Result<Status, PBTError>) -> Void
    ) async throws -> Int32 {
        try await withCheckedThrowingContinuation { continuation in
            // Both starting a program and waiting for it block.
            DispatchQueue(label: "pbt.program").async {
                let process: Int32
                do {
                    process = try spawn(output, errors)
                } catch {
                    return continuation.resume(throwing: error)
                }
                continuation.resume(returning: process)
                ended(Self.wait(for: process))
            }
        }
    }

    private func spawn(_ output: FileDescriptor, _ errors: FileDescriptor) throws -> Int32 {
        var process: Int32 = 0
        let problem = Self.withPointers(to: arguments.map { Array($0.utf8) + [0] }) { arguments in
            Self.withPointers(to: environment) { environment in
                program.withPlatformString { program in
                    directory.withPlatformString { directory in
                        pbt_spawn(
                            &process, program, arguments, environment, directory, output.rawValue, errors.rawValue)
                    }
                }
            }
        }
        guard problem != 0 else { return process }
        throw Self.failure(toStart: "\(program)", problem)
    }

    /// Returns the error for a program that could not be started.
    ///
    /// - Parameters:
    ///   - program: The path of the program.
    ///   - problem: The system error number.
    /// - Returns: A ``WorkerProblem``; a `PBTError` with code `badExperiment` for an error of its arguments.
    static func failure(toStart program: String, _ problem: Int32) -> any Error {
        let text = "cannot start \(program): \(Errno(rawValue: problem))"
        switch problem {
        case E2BIG:
            return PBTError(.badExperiment, "\(text); its arguments and the environment are too long")
        case EAGAIN, ENOMEM:
            let advice = "the machine cannot start another process now (ulimit -u, memory)"
            return WorkerProblem("\(text); \(advice)", isTransient: true)
        case EMFILE, ENFILE:
            return WorkerProblem("\(text); raise the limit of open files (ulimit -n)", isTransient: true)
        case ETXTBSY, EIO, ESTALE:
            return WorkerProblem(text, isTransient: true)
        case ENOENT:
            return WorkerProblem("\(text); does the interpreter in its first line exist?", isTransient: false)
        case ENOEXEC:
            let advice = "not executable on this machine (wrong architecture?), and its first line names no interpreter"
            return WorkerProblem("\(text); \(advice)", isTransient: false)
        default:
            return WorkerProblem(text, isTransient: false)
        }
    }

    private static func wait(for process: Int32) -> Result<Status, PBTError> {
        var (code, number): (Int32, Int32) = (0, 0)
        let problem = pbt_wait(process, &code, &number)
        #if !os(Linux)
            pbt_reap(process)
        #endif
        guard problem == 0 else {
            return .failure(
                PBTError(.inputOutput, "cannot tell how process \(process) ended: \(Errno(rawValue: problem))"))
        }
        return .success(number == 0 ? .exited(code) : .signaled(number))
    }

    /// Reaps a program that has ended, so that its process identifier can be reused.
    static func reap(_ process: Int32) {
        #if os(Linux)
            pbt_reap(process)
        #endif
    }

    /// Calls `body` with a null-terminated array of pointers to zero-terminated strings.
    private static func withPointers<Result>(
        to strings: [[UInt8]], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Result
    ) -> Result {
        let bytes = UnsafeMutableBufferPointer<CChar>.allocate(capacity: strings.reduce(0) { $0 + $1.count })
        defer { bytes.deallocate() }
        _ = bytes.initialize(from: strings.joined().lazy.map { CChar(bitPattern: $0) })
        var pointers: [UnsafeMutablePointer<CChar>?] = []
        var place = 0
        for string in strings {
            pointers.append(bytes.baseAddress.map { $0 + place })
            place += string.count
        }
        return (pointers + [nil]).withUnsafeBufferPointer { buffer in
            guard let start = buffer.baseAddress else { preconditionFailure("a list with its end is never empty") }
            return body(start)
        }
    }
}
