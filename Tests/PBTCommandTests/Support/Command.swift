// SPDX-License-Identifier: Apache-2.0

import Subprocess
import SystemPackage
import Testing

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Runs the built `pbt`.
enum Command {
    /// What a run of the command left.
    struct Answer: Sendable {
        /// The exit code, or the negative number of the signal that ended it.
        var code: Int32
        /// Standard output.
        var output: String
        /// Standard error.
        var error: String
    }

    /// The command, beside the tests' own build product.
    static let executable: FilePath = {
        // On macOS a helper runs the tests, and is told where they are.
        for place in [FilePath("/proc/self/exe")] + CommandLine.arguments.map({ FilePath($0) }) {
            guard
                var directory = place.withPlatformString({ realpath($0, nil) }).map({ path in
                    defer { free(path) }
                    return FilePath(platformString: path)
                })
            else { continue }
            while directory.removeLastComponent() {
                let candidate = directory.appending("pbt")
                if candidate.withPlatformString({ access($0, X_OK) }) == 0,
                    directory.string.contains("debug") || directory.string.contains("release")
                {
                    return candidate
                }
            }
        }
        return "pbt"
    }()

    /// Runs the command to its end, with nothing inherited but `PATH`, and `PBT_RUNTIME_DIR` in the directory.
    static func run(
        _ arguments: [String], in directory: FilePath, environment: [String: String] = [:]
    ) async throws -> Answer {
        let result = try await Subprocess.run(
            configuration(arguments, directory, environment), output: .string(limit: 1 << 24),
            error: .string(limit: 1 << 24))
        let answer = Answer(
            code: code(result.terminationStatus), output: result.standardOutput, error: result.standardError)
        checkForTrap(answer.code, answer.error)
        return answer
    }

    /// Runs the command while `body` reads its lines, of standard output and standard error together.
    ///
    /// Lines that `body` leaves are read to the end, so the command is not held up. `limit` is for `ulimit`, such as `-n 64`.
    static func live<Value: Sendable>(
        _ arguments: [String], in directory: FilePath, environment: [String: String] = [:], limit: String? = nil,
        _ body: (inout Lines, pid_t) async throws -> Value
    ) async throws -> (code: Int32, lines: [String], value: Value) {
        var configuration = configuration(arguments, directory, environment)
        if let limit {
            configuration.executable = .path("/bin/sh")
            configuration.arguments = Arguments(
                ["-c", "ulimit \(limit) && exec \"$0\" \"$@\"", executable.string] + arguments)
        }
        let result = try await Subprocess.run(
            configuration, input: .none, output: .sequence,
            error: .combinedWithOutput
        ) { execution in
            var lines = Lines(execution.standardOutput.strings().makeAsyncIterator())
            let value = try await body(&lines, execution.processIdentifier.value)
            return (try await lines.rest(), value)
        }
        let (code, lines) = (code(result.terminationStatus), result.closureResult.0)
        checkForTrap(code, lines.joined(separator: "\n"))
        return (code, lines, result.closureResult.1)
    }

    /// Runs a shell script.
    static func shell(_ arguments: [String], in directory: FilePath) async throws -> Answer {
        let result = try await Subprocess.run(
            .path("/bin/sh"), arguments: Arguments(arguments), workingDirectory: directory,
            output: .string(limit: 1 << 20), error: .string(limit: 1 << 20))
        return Answer(
            code: code(result.terminationStatus), output: result.standardOutput, error: result.standardError)
    }

    /// A program that trapped is a failure of any test, also of one that does not look at how the program ended: a server
    /// that is started again hides what a request did to it.
    private static func checkForTrap(_ code: Int32, _ output: String) {
        let traps = [SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGSEGV]
        guard traps.contains(-code) else { return }
        Issue.record("the program was ended by signal \(-code): \(output.suffix(4000))")
    }

    static func configuration(
        _ arguments: [String], _ directory: FilePath, _ environment: [String: String]
    ) -> Configuration {
        var variables = environment
        // Tests run beside each other, and have devices of their own.
        variables["PBT_RUNTIME_DIR"] = variables["PBT_RUNTIME_DIR"] ?? directory.appending("runtime").string
        if let path = getenv("PATH") { variables["PATH"] = variables["PATH"] ?? String(cString: path) }
        return Configuration(
            executable: .path(executable), arguments: Arguments(arguments),
            environment: .custom(
                Dictionary(uniqueKeysWithValues: variables.map { (Environment.Key(stringLiteral: $0), $1) })),
            workingDirectory: directory)
    }

    static func code(_ status: TerminationStatus) -> Int32 {
        switch status {
        case .exited(let code): code
        case .signaled(let signal): -signal
        }
    }
}

/// The lines of a command that runs.
struct Lines {
    private var iterator: SubprocessOutputSequence.StringSequence<UTF8>.AsyncIterator
    /// Those that were read.
    private(set) var seen: [String] = []

    init(_ iterator: SubprocessOutputSequence.StringSequence<UTF8>.AsyncIterator) {
        self.iterator = iterator
    }

    /// A command ended before it wrote what was waited for.
    struct Ended: Error, CustomStringConvertible {
        let text: String
        let seen: [String]

        var description: String {
            "the command ended before it wrote \"\(text)\"; it wrote:\n\(seen.joined(separator: "\n"))"
        }
    }

    /// Reads until a line holds a text, and returns that line.
    @discardableResult
    mutating func wait(for text: String) async throws -> String {
        while let line = try await iterator.next() {
            seen.append(line)
            if line.contains(text) { return line }
        }
        throw Ended(text: text, seen: seen)
    }

    /// Reads all that is left, and returns all lines.
    mutating func rest() async throws -> [String] {
        while let line = try await iterator.next() {
            seen.append(line)
        }
        return seen
    }
}
