// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import LibC
import PBT
import PBTCheckpoints
import PBTWorker
import SystemPackage
import UnixSignals

/// `pbt check`.
struct CheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Train two intervals for real, and report problems before a run hits them.",
        discussion: """
            Trains a founder's first interval; then its second one in new processes: with other hyperparameters, twice \
            with the same ones, without a checkpoint, and with each hyperparameter changed by itself. Reports whether the \
            program saves, restores, and applies its hyperparameters after the restore, and estimates the cost of a run. \
            Touches no store. A persistent trainer (persistent: true) is also tested with the model kept in memory.
            """)

    @Argument(help: "The experiment file (YAML or JSON).", completion: .file())
    var file: String

    @OptionGroup var workersOption: WorkersOption

    @Flag(name: .long, help: "Train two intervals only, to check that the program runs, saves and restores.")
    var quick = false

    @Option(
        name: .long,
        help: ArgumentHelp(
            "The time limit of an interval; default: timeout in the file, and 10m for a persistent trainer.",
            valueName: "time"))
    var limit: String?

    @OptionGroup var format: FormatOptions

    @OptionGroup var terminal: TerminalOptions

    func validate() throws {
        if let limit, time.map({ $0 > .zero }) != true {
            throw ValidationError("--limit must be a time such as 90s, 10m or 2h, not \"\(limit)\"")
        }
    }

    private var time: Duration? {
        limit.flatMap { Duration(value: .string($0)) }
    }

    func run() async throws {
        let source = try ExperimentFile(file)
        guard let trainer = source.experiment.trainer else { return }
        try source.checkProgram(of: trainer)
        source.warn()
        try trainer.checkDevices(of: source.experiment.name, slots: workersOption.workers ?? trainer.workers)
        let report = try await temporary(for: source.experiment.name) { directory in
            try await interruptible {
                let slots = workersOption.workers ?? trainer.workers
                guard trainer.isPersistent else {
                    var check = Check(source.experiment, slots: slots, in: directory, isQuick: quick, limit: time)
                    return try await check.run()
                }
                var check = PersistentCheck(
                    source.experiment, slots: slots, in: directory, isQuick: quick, limit: time ?? .seconds(600))
                return try await check.run()
            }
        }
        if format.json { try Output.json(report.value) } else { try report.print() }
        guard report.isUsable else { throw Failure(.noResult, nil) }
    }

    /// Runs the body with a temporary directory, which is deleted afterwards.
    private func temporary<Result>(for name: String, _ body: (FilePath) async throws -> Result) async throws -> Result {
        let parent = environment("TMPDIR") ?? "/tmp"
        var template = Array("\(parent)/pbt-check-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else {
            throw Failure(.cannotWrite, "cannot create a directory in \(parent): \(Errno(rawValue: errno))")
        }
        let directory = FilePath(platformString: template)
        do {
            let result = try await body(directory)
            try delete(directory, of: name)
            return result
        } catch {
            try delete(directory, of: name)
            throw error
        }
    }

    private func delete(_ directory: FilePath, of name: String) throws {
        try DataDirectory(directory).remove(name)
        guard directory.withPlatformString({ rmdir($0) }) == 0 else {
            throw Failure(.cannotWrite, "cannot delete \(directory): \(Errno(rawValue: errno))")
        }
    }

    /// Runs the body, and cancels it on a signal that stops a run.
    private func interruptible(
        _ body: @escaping @Sendable () async throws -> CheckReport
    ) async throws -> CheckReport {
        enum Step: Sendable {
            case done(CheckReport)
            case signal(UnixSignal)
        }
        Orphans.adopt()
        let signals = await UnixSignalsSequence(trapping: Signals.trapped)
        return try await withThrowingTaskGroup(of: Step?.self) { tasks in
            tasks.addTask { .done(try await body()) }
            tasks.addTask {
                for await signal in signals { return .signal(signal) }
                return nil
            }
            var asked: UnixSignal?
            do {
                while let step = try await tasks.next() {
                    switch step {
                    case .done(let result):
                        tasks.cancelAll()
                        return result
                    case .signal(let signal):
                        asked = signal
                        tasks.cancelAll()
                    case nil: break
                    }
                }
            } catch is CancellationError {
                throw Failure(asked == .sigterm || asked == .sighup ? .terminated : .interrupted, "interrupted")
            }
            throw CancellationError()
        }
    }
}
