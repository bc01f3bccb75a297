// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTCheckpoints
package import SystemPackage

/// A persistent program, which trains several intervals.
struct PersistentProcess: Sendable {
    let trainer: Experiment.Trainer
    /// The environment: entries `NAME=value` with a terminating zero.
    let environment: [[UInt8]]
    let searchPath: String?
    /// The directory of the record of its process group.
    let directory: FilePath
    /// The log file of its output.
    let log: FilePath
    /// The devices of the program, which are its own while this value exists.
    private let hold: DeviceHold?

    /// Creates the program of an experiment.
    ///
    /// - Parameters:
    ///   - experiment: The experiment to train.
    ///   - number: The index of the program in the worker, from 0.
    ///   - slots: The number of concurrent programs.
    ///   - server: The server that it claims intervals from.
    ///   - environment: The environment that it inherits.
    ///   - devices: The devices that other processes leave; if nil, it has those of its index.
    ///   - data: The data directory of its log.
    /// - Throws: A `PBTError` with code `badExperiment` if the experiment has no command; a ``WorkerProblem`` if its
    ///   device does not exist.
    init(
        of experiment: Experiment, number: Int, slots: Int, server: PersistentWorker.Server,
        environment: TrainerEnvironment, devices: DeviceAssignment?, data: DataDirectory
    ) throws {
        guard var trainer = experiment.trainer else {
            throw PBTError(.badExperiment, "experiment \"\(experiment.name)\" has no command")
        }
        trainer = devices?.applied(to: trainer) ?? trainer
        var variables = [
            "PBT_SERVER": server.url, "PBT_EXPERIMENT": experiment.name, "PBT_WORKER": String(number),
            "PBT_PARENT": ProcessIdentity.current().text,
        ]
        variables["PBT_TOKEN"] = server.token
        self.trainer = trainer
        directory = data.persistent(number, of: experiment.name)
        let scope = ProcessScope(of: directory)
        (self.environment, hold) = try WorkerProblem.blamingWorker { [trainer, variables] in
            let taken = try devices?.take(for: number, of: trainer, in: experiment.name, environment)
            let entries = try environment.entries(
                adding: variables, scope: scope, slot: number, trainer: trainer,
                threads: TrainerEnvironment.threads(for: trainer, slots: slots), devices: taken?.devices)
            return (entries, taken?.hold)
        }
        searchPath = trainer.environment["PATH"] ?? environment["PATH"]
        log = data.programLog(number, of: experiment.name)
    }

    /// Runs the program, and returns when all of its processes have ended.
    ///
    /// - Throws: A ``WorkerProblem`` if it cannot be started on this machine.
    func run(clock: any Clock<Duration>) async throws -> ProcessGroup.End {
        defer { withExtendedLifetime(hold) {} }
        let place = FilePath(trainer.directory)
        let program = try WorkerProblem.blamingWorker {
            try Program.find(trainer.command[0], in: place, searchPath: searchPath)
        }
        try FileSystem.makeDirectories(directory)
        try FileSystem.makeDirectories(log.removingLastComponent())
        defer {
            // Otherwise the next process that serves the experiment deletes it.
            try? FileTree.remove(directory)
        }
        let output = try ProgramOutput.open(log)
        defer { try? output.close() }
        do {
            return try await ProcessGroup(
                invocation: Invocation(
                    program: program, arguments: trainer.command, environment: environment, directory: place),
                scope: ProcessScope(of: directory), timeout: nil, grace: trainer.grace, clock: clock
            ).run(output: output, errors: output) { group in
                try Leftovers(of: directory).record(group: group)
            }
        } catch is CancellationError {
            return .cancelled
        }
    }

    /// Kills the programs of an experiment that earlier processes left on this machine.
    static func killLeftovers(of experiment: String, in data: DataDirectory) throws {
        let all = data.directory(of: experiment).appending("workers")
        for name in try FileSystem.names(in: all) {
            let directory = all.appending(name)
            // NUMBER-PROCESS-START: a process that still runs owns its programs.
            let parts = name.split(separator: "-")
            if parts.count == 3, let number = Int32(parts[1]), let start = UInt64(parts[2], radix: 36),
                ProcessIdentity.startTime(of: number) == start
            {
                continue
            }
            if try Leftovers(of: directory).killRecorded() { try FileTree.remove(directory) }
        }
    }
}

extension DataDirectory {
    /// Returns the directory of the record of the process group of a program of this process.
    func persistent(_ number: Int, of experiment: String) -> FilePath {
        let process = ProcessIdentity.current()
        return directory(of: experiment).appending("workers")
            .appending("\(number)-\(process.number)-\(String(process.start, radix: 36))")
    }
}

extension ProcessIdentity {
    /// The value of `PBT_PARENT`: the process identifier and the start time.
    var text: String {
        "\(number)/\(String(start, radix: 36))"
    }
}

extension DataDirectory {
    /// Returns the log of a persistent program: its output since its last start.
    func programLog(_ number: Int, of experiment: String) -> FilePath {
        directory(of: experiment).appending("logs").appending("worker-\(number).log")
    }

    /// Returns the most recently modified log of a persistent program; nil if there is none.
    ///
    /// - Throws: A `PBTError` with code `inputOutput`.
    package func newestProgramLog(of experiment: String) throws -> FilePath? {
        let logs = directory(of: experiment).appending("logs")
        let names = try FileSystem.names(in: logs).filter { $0.hasPrefix("worker-") && $0.hasSuffix(".log") }
        return try names.map { name in
            let path = logs.appending(name)
            return (path: path, time: try FileSystem.modified(path) ?? 0)
        }.max { ($0.time, $0.path.string) < ($1.time, $1.path.string) }?.path
    }
}
