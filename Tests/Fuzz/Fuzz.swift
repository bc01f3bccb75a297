// SPDX-License-Identifier: Apache-2.0

import Foundation
import PBT
import Synchronization
import SystemPackage

/// Fuzzes decoders and charts with random inputs.
///
///     pbt-fuzz --list
///     pbt-fuzz TARGET [--seconds N] [--runs N] [--seed N] [--directory DIR]
///     pbt-fuzz TARGET --seed N --runs 1     # reproduce a failure
///
/// Each run has a seed of its own, and the same seed gives the same input. Seed and input are written to
/// `DIR/TARGET.input` before the input is tried, so that a crash leaves them.
@main struct Fuzz {
    static func main() async {
        do {
            let options = try Options(CommandLine.arguments.dropFirst())
            if options.lists {
                for target in Target.all { print(target.name) }
                return
            }
            try await run(options)
        } catch let error as Usage {
            print("pbt-fuzz: \(error.problem)")
            exit(64)
        } catch {
            print("pbt-fuzz: \(error)")
            exit(70)
        }
    }

    private static func run(_ options: Options) async throws {
        guard let target = Target.all.first(where: { $0.name == options.target }) else {
            throw Usage(problem: "there is no target \"\(options.target)\"; see --list")
        }
        let recorder = try Recorder(target: target.name, directory: options.directory)
        let watchdog = Watchdog(target: target.name)
        let body = try await target.prepare(recorder)
        let began = ContinuousClock.now
        var runs = 0
        while runs < options.runs, ContinuousClock.now - began < .seconds(options.seconds) {
            let seed = options.seed &+ UInt64(runs)
            watchdog.begin(seed)
            try recorder.begin(seed)
            var source = Source(seed: seed)
            do {
                try await body(&source)
            } catch {
                print("FAILED \(target.name) --seed \(seed): \(error)")
                print(String(recorder.shown.prefix(4000)))
                exit(1)
            }
            runs += 1
        }
        recorder.end()
        print("\(target.name): \(runs) runs from seed \(options.seed), no failure")
    }
}

/// The command line.
private struct Options {
    var target = ""
    var seconds = 10.0
    var runs = Int.max
    var seed: UInt64 = 1
    var directory = "."
    var lists = false

    init(_ arguments: some Sequence<String>) throws {
        var rest = Array(arguments)[...]
        while let argument = rest.popFirst() {
            switch argument {
            case "--list": lists = true
            case "--seconds": seconds = try Self.value(&rest, argument) { Double($0) }
            case "--runs": runs = try Self.value(&rest, argument) { Int($0) }
            case "--seed": seed = try Self.value(&rest, argument) { UInt64($0) }
            case "--directory": directory = try Self.value(&rest, argument) { $0 }
            default:
                guard target.isEmpty, !argument.hasPrefix("-") else {
                    throw Usage(problem: "\(argument) is unknown; see --list for targets")
                }
                target = argument
            }
        }
    }

    private static func value<Result>(
        _ rest: inout ArraySlice<String>, _ name: String, _ read: (String) -> Result?
    ) throws -> Result {
        guard let text = rest.popFirst(), let value = read(text) else { throw Usage(problem: "\(name) needs a value") }
        return value
    }
}

private struct Usage: Error {
    let problem: String
}

/// Something that must hold, and does not.
struct Violation: Error, CustomStringConvertible {
    let description: String
}

/// Throws unless a condition holds.
func expect(_ condition: Bool, _ problem: @autoclosure () -> String) throws {
    if !condition { throw Violation(description: problem()) }
}

/// One thing that is fed.
struct Target: Sendable {
    /// The function that runs with each source of input.
    typealias Body = (inout Source) async throws -> Void

    let name: String
    /// Sets up the state that all runs share, and returns the function for each.
    let prepare: @Sendable (Recorder) async throws -> Body

    static let all: [Target] = [
        .json, .yaml, .definition, .wire, .manifest, .names, .stream, .schedy, .rows, .store, .http, .charts, .tables,
        .text, .report, .csv, .tensorboard,
    ]
}

/// Keeps the seed and the input that is tried where a crash cannot take it away.
final class Recorder: Sendable {
    private let file: FileDescriptor
    private let target: String
    private let state = Mutex("")

    init(target: String, directory: String) throws {
        self.target = target
        file = try FileDescriptor.open(
            FilePath(directory).appending("\(target).input"), .readWrite, options: [.create, .truncate],
            permissions: .ownerReadWrite)
    }

    /// The current input, for messages.
    var shown: String { state.withLock { $0 } }

    /// Notes the seed of a run.
    func begin(_ seed: UInt64) throws {
        try write("pbt-fuzz \(target) --seed \(seed) --runs 1\n")
    }

    /// Notes the input of a run, before it is tried.
    func note(_ input: String) throws {
        try write(state.withLock { $0 } + input + "\n")
    }

    private func write(_ text: String) throws {
        state.withLock { $0 = text }
        let bytes = Array(text.utf8)
        // Truncated first, so that a crash never leaves the end of an earlier input.
        try file.resize(to: 0)
        try file.writeAll(toAbsoluteOffset: 0, bytes)
    }

    /// Deletes the recorded input after a success.
    func end() {
        do { try file.resize(to: 0) } catch { print("\(error)") }
    }
}

/// Ends the process when one run takes minutes.
final class Watchdog: Sendable {
    private let seed = Mutex<(seed: UInt64, began: ContinuousClock.Instant)>((0, .now))
    private static let limit = Duration.seconds(180)

    init(target: String) {
        Thread.detachNewThread { [self] in
            while true {
                Thread.sleep(forTimeInterval: 1)
                let (current, began) = seed.withLock { $0 }
                guard ContinuousClock.now - began > Self.limit else { continue }
                print("HUNG \(target) --seed \(current): one run takes more than \(Self.limit)")
                exit(3)
            }
        }
    }

    func begin(_ current: UInt64) {
        seed.withLock { $0 = (current, .now) }
    }
}
