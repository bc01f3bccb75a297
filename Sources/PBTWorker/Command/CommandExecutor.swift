// SPDX-License-Identifier: Apache-2.0

import LibC
import PBT
public import PBTCheckpoints
import SystemPackage

/// An executor that runs the experiment's command for each interval, without a shell.
///
/// The program runs in the experiment's directory, in its own process group, with its standard input closed and its
/// output in the attempt's log. Its input is in its arguments (``CommandTemplate``) and in variables named `PBT_…`; its
/// output is its exit code and its results.
///
/// When an attempt is cancelled or times out, the program and all its descendants receive SIGTERM, and SIGKILL after
/// the grace period. Descendants that outlive the program are always killed.
public struct CommandExecutor: Executor {
    /// The exit code of a program that releases its interval: EX_TEMPFAIL of `sysexits.h`.
    public static let interruptedCode: Int32 = 75

    /// The signals by which clusters announce the end of a job: SIGUSR1 and SIGUSR2.
    private static let announcements = [SIGUSR1, SIGUSR2]

    private let environment: TrainerEnvironment
    private let slots: Int?
    private let devices: DeviceAssignment?
    private let clock: any Clock<Duration>

    /// Creates an executor.
    ///
    /// - Parameters:
    ///   - slots: The number of concurrent programs on this machine, to divide its cores; that of the experiment if
    ///     nil.
    ///   - environment: The environment that programs inherit.
    ///   - devices: The devices that other processes leave; if nil, each slot has those of its number.
    ///   - clock: The clock of timeouts and grace periods.
    public init(
        slots: Int? = nil, environment: TrainerEnvironment = .current(), devices: DeviceAssignment? = nil,
        clock: any Clock<Duration> = ContinuousClock()
    ) {
        self.slots = slots
        self.environment = environment
        self.devices = devices
        self.clock = clock
    }

    /// Runs the command, and returns when all of its processes have ended.
    public func run(_ attempt: Attempt) async -> AttemptEnd {
        do {
            let (invocation, trainer, hold) = try prepare(attempt)
            // The devices are this attempt's until all of its processes have ended.
            defer { withExtendedLifetime(hold) {} }
            let output = try ProgramOutput(log: attempt.log)
            let end: Result<ProcessGroup.End, any Error>
            do {
                end = .success(
                    try await ProcessGroup(
                        invocation: invocation, scope: ProcessScope(of: attempt.scratch), timeout: trainer.timeout,
                        grace: trainer.grace, clock: clock
                    ).run(output: output.output, errors: output.errors) { group in
                        try Leftovers(of: attempt.scratch).record(group: group)
                    })
            } catch {
                end = .failure(error)
            }
            let printed = await output.finish()
            return try conclude(try end.get(), printed, attempt, trainer)
        } catch is CancellationError {
            return .interrupted(reason: "the worker was stopped")
        } catch {
            return Self.end(because: error)
        }
    }

    /// Returns the outcome of an attempt whose command could not be run.
    static func end(because error: any Error) -> AttemptEnd {
        WorkerProblem(setup: error).map { .unable($0) } ?? .failed(reason: "\(error)")
    }

    /// Prepares the start of the command: files, arguments, environment, program.
    private func prepare(_ attempt: Attempt) throws -> (Invocation, Experiment.Trainer, DeviceHold?) {
        let assignment = attempt.assignment
        guard var trainer = assignment.experiment.trainer else {
            throw PBTError(.badExperiment, "experiment \"\(assignment.experiment.name)\" has no command")
        }
        trainer = devices?.applied(to: trainer) ?? trainer
        let files = AttemptFiles(of: attempt)
        let template = try CommandTemplate(trainer.command, space: assignment.experiment.space)
        let arguments = template.filled(
            CommandTemplate.Values(
                checkpointIn: attempt.parentCheckpoint?.string ?? "", checkpointOut: attempt.checkpoint.string,
                results: files.results.string, hyperparametersFile: files.hyperparameters.string,
                interval: assignment.interval.id, depth: assignment.interval.depth,
                seed: assignment.seed, intervalSeed: assignment.intervalSeed,
                hyperparameters: assignment.interval.hyperparameters))
        guard !arguments.contains(where: { $0.utf8.contains(0) }) else {
            throw PBTError(.badExperiment, "an argument of the command holds a null character")
        }
        if let parent = attempt.parentCheckpoint { try Self.check(parent) }
        let directory = FilePath(trainer.directory)
        let program = try WorkerProblem.blamingWorker {
            try Program.find(
                arguments[0], in: directory, searchPath: trainer.environment["PATH"] ?? environment["PATH"])
        }
        let given = assignment.experiment.space.nested(assignment.interval.hyperparameters.values)
        try FileSystem.write(given.json + "\n", to: files.hyperparameters)
        let threads = TrainerEnvironment.threads(for: trainer, slots: slots ?? trainer.workers)
        let (entries, hold) = try WorkerProblem.blamingWorker { [trainer] in
            let taken = try devices?.take(for: attempt.slot, of: trainer, in: assignment.experiment.name, environment)
            let entries = try environment.entries(
                for: attempt, trainer: trainer, files: files, threads: threads, devices: taken?.devices)
            return (entries, taken?.hold)
        }
        return (
            Invocation(program: program, arguments: arguments, environment: entries, directory: directory),
            trainer, hold
        )
    }

    /// Checks that the checkpoint to continue exists.
    private static func check(_ parent: FilePath) throws {
        guard try !FileSystem.exists(parent) else { return }
        let all = parent.removingLastComponent()
        guard try FileSystem.exists(all) else {
            throw WorkerProblem(
                "there is no directory \(all) with the experiment's checkpoints; is the file system mounted?",
                isTransient: true)
        }
        throw PBTError(
            .noSuchCheckpoint, "the checkpoint \(parent) that this interval continues is gone: was it deleted by hand?")
    }

    /// Returns the outcome of an attempt from the end of its process.
    private func conclude(
        _ end: ProcessGroup.End, _ printed: ProgramOutput.Printed, _ attempt: Attempt, _ trainer: Experiment.Trainer
    ) throws -> AttemptEnd {
        func last() throws -> String {
            let problem = printed.logProblem.map { " (its log is not complete: \($0))" } ?? ""
            return (try LogTail.lastLine(of: attempt.log).map { ": \($0)" } ?? " (it printed nothing)") + problem
        }
        switch end {
        case .cancelled:
            return .interrupted(reason: "the worker was stopped")
        case .timedOut:
            let time = trainer.timeout ?? .zero
            return .failed(reason: "timed out after \(time.text)\(try last())")
        case .ended(.exited(0)):
            do {
                let results = try Results.read(
                    file: AttemptFiles(of: attempt).results, printed: printed,
                    metric: attempt.assignment.experiment.objective.metric)
                return .trained(score: results.score, metrics: results.metrics)
            } catch let problem as Results.Problem {
                return .failed(reason: problem.text)
            } catch {
                // An unreadable results file is a failure of the program, unless the machine cannot read files.
                return WorkerProblem(resource: error).map { .unable($0) } ?? .failed(reason: "\(error)")
            }
        case .ended(.exited(Self.interruptedCode)):
            return .interrupted(reason: "exit 75\(try last())")
        case .ended(.signaled(let signal)) where Self.announcements.contains(signal):
            // Clusters send it to all processes of a job that is about to reach its time limit.
            return .interrupted(reason: "killed by signal \(signal), by which clusters announce an end\(try last())")
        case .ended(.exited(let code)):
            return .failed(reason: "exit \(code)\(try last())")
        case .ended(.signaled(let signal)):
            let hint = signal == 9 ? " (maybe out of memory)" : ""
            return .failed(reason: "killed by signal \(signal)\(hint)\(try last())")
        }
    }
}

extension Duration {
    /// The duration for messages: `90s`, `1.5s`.
    var text: String {
        let thousandths = milliseconds
        return thousandths % 1000 == 0 ? "\(thousandths / 1000)s" : "\(Double(thousandths) / 1000)s"
    }
}
