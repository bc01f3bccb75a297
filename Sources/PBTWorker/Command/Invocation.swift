// SPDX-License-Identifier: Apache-2.0

import CSpawn
import Dispatch
import LibC
import PBT
import SystemPackage

/// A program, and what it is started with.
struct Invocation: Sendable {
    /// How a program ended.
    enum Status: Sendable, Hashable {
        /// By itself, with this exit code.
        case exited(Int32)
        /// By this signal.
        case signaled(Int32)
    }

    /// The program's path.
    let program: FilePath
    /// Its arguments, the first of which is its name; without null characters.
    let arguments: [String]
    /// Entries `NAME=value` with a closing zero.
    let environment: [[UInt8]]
    /// Where it runs.
    let directory: FilePath

    /// Starts the program as the leader of a process group of its own; no signal that is sent to our group reaches it.
    ///
    /// Not cancelled with the task: a program either runs or does not.
    ///
    /// - Parameters:
    ///   - output: What takes its standard output.
    ///   - errors: What takes its standard error.
    ///   - ended: Called once, on a thread of its own, when the program has ended. On Linux its number is given to no
    ///     other until ``reap(_:)``.
    /// - Returns: The number of the process, which is that of its group.
    /// - Throws: A ``WorkerProblem`` when it cannot be started here, a `PBTError` with code `badExperiment` when its
    ///   arguments are too long.
    func start(
        output: FileDescriptor, errors: FileDescriptor,
        whenEnded ended: @escaping @Sendable (Result<Status, PBTError>) -> Void
    ) async throws -> Int32 {
        try await withCheckedThrowingContinuation { continuation in
            // To start a program blocks until it runs, to wait for it until it ends.
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

    /// What it means that a program could not be started.
    ///
    /// - Parameters:
    ///   - program: Its path.
    ///   - problem: The number of the system's error.
    /// - Returns: A ``WorkerProblem``; a `PBTError` with code `badExperiment` when the fault is in its arguments.
    static func failure(toStart program: String, _ problem: Int32) -> any Error {
        let text = "cannot start \(program): \(Errno(rawValue: problem))"
        switch problem {
        case E2BIG:
            return PBTError(.badExperiment, "\(text); its arguments and the environment are too long")
        case EAGAIN, ENOMEM:
            let advice = "the machine has no room for another process now (ulimit -u, memory)"
            return WorkerProblem("\(text); \(advice)", isTransient: true)
        case EMFILE, ENFILE:
            return WorkerProblem("\(text); raise the limit of open files (ulimit -n)", isTransient: true)
        case ETXTBSY, EIO, ESTALE:
            return WorkerProblem(text, isTransient: true)
        case ENOENT:
            return WorkerProblem("\(text); is the interpreter there that its first line names?", isTransient: false)
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

    /// Frees the number of a program that has ended.
    static func reap(_ process: Int32) {
        #if os(Linux)
            pbt_reap(process)
        #endif
    }

    /// Calls the body with pointers to texts that end with a zero, closed by a null pointer.
    private static func withPointers<Result>(
        to texts: [[UInt8]], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Result
    ) -> Result {
        let bytes = UnsafeMutableBufferPointer<CChar>.allocate(capacity: texts.reduce(0) { $0 + $1.count })
        defer { bytes.deallocate() }
        _ = bytes.initialize(from: texts.joined().lazy.map { CChar(bitPattern: $0) })
        var pointers: [UnsafeMutablePointer<CChar>?] = []
        var place = 0
        for text in texts {
            pointers.append(bytes.baseAddress.map { $0 + place })
            place += text.count
        }
        return (pointers + [nil]).withUnsafeBufferPointer { buffer in
            guard let start = buffer.baseAddress else { preconditionFailure("a list with its end is never empty") }
            return body(start)
        }
    }
}
