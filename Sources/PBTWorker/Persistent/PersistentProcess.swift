// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTCheckpoints
package import SystemPackage

/// One program that stays alive over intervals.
struct PersistentProcess: Sendable {
    let trainer: Experiment.Trainer
    /// Entries `NAME=value` with a closing zero.
    let environment: [[UInt8]]
    let searchPath: String?
    /// Where it is noted which process group it is.
    let directory: FilePath
    /// What takes its output.
    let log: FilePath

    /// The program of an experiment.
    ///
    /// - Parameters:
    ///   - experiment: What it trains.
    ///   - number: Which of the worker's programs it is, from 0.
    ///   - slots: How many run at a time.
    ///   - server: Where it asks for intervals.
    ///   - environment: What it inherits.
    ///   - data: Where its log goes.
    /// - Throws: A `PBTError` with code `badExperiment` when the experiment has no command, a ``WorkerProblem`` when its
    ///   device is not there.
    init(
        of experiment: Experiment, number: Int, slots: Int, server: PersistentWorker.Server,
        environment: TrainerEnvironment, data: DataDirectory
    ) throws {
        guard let trainer = experiment.trainer else {
            throw PBTError(.badExperiment, "experiment \"\(experiment.name)\" has no command")
        }
        var variables = [
            "PBT_SERVER": server.url, "PBT_EXPERIMENT": experiment.name, "PBT_WORKER": String(number),
            "PBT_PARENT": ProcessIdentity.current().text,
        ]
        variables["PBT_TOKEN"] = server.token
        self.trainer = trainer
        directory = data.persistent(number, of: experiment.name)
        let scope = ProcessScope(of: directory)
        self.environment = try WorkerProblem.blamingWorker {
            try environment.entries(
                adding: variables, scope: scope, slot: number, trainer: trainer,
                threads: TrainerEnvironment.threads(for: trainer, slots: slots))
        }
        searchPath = trainer.environment["PATH"] ?? environment["PATH"]
        log = data.programLog(number, of: experiment.name)
    }

    /// Runs it, and returns when nothing of its process group is left.
    ///
    /// - Throws: A ``WorkerProblem`` when it cannot be started here.
    func run(clock: any Clock<Duration>) async throws -> ProcessGroup.End {
        let place = FilePath(trainer.directory)
        let program = try WorkerProblem.blamingWorker {
            try Program.find(trainer.command[0], in: place, searchPath: searchPath)
        }
        try FileSystem.makeDirectories(directory)
        try FileSystem.makeDirectories(log.removingLastComponent())
        defer {
            // What remains is found and deleted by the next that serves the experiment.
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

    /// Kills programs of an experiment that an earlier process left on this machine.
    static func killLeftovers(of experiment: String, in data: DataDirectory) throws {
        let all = data.directory(of: experiment).appending("workers")
        for name in try FileSystem.names(in: all) {
            let directory = all.appending(name)
            // NUMBER-PROCESS-START: of a process that still runs, its programs are its own.
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
    /// Where it is noted which process group a persistent program of this process is.
    func persistent(_ number: Int, of experiment: String) -> FilePath {
        let process = ProcessIdentity.current()
        return directory(of: experiment).appending("workers")
            .appending("\(number)-\(process.number)-\(String(process.start, radix: 36))")
    }
}

extension ProcessIdentity {
    /// The process as `PBT_PARENT` names it: number and start.
    var text: String {
        "\(number)/\(String(start, radix: 36))"
    }
}

extension DataDirectory {
    /// The log of a program that stays alive over intervals; what it printed since it was last started.
    func programLog(_ number: Int, of experiment: String) -> FilePath {
        directory(of: experiment).appending("logs").appending("worker-\(number).log")
    }

    /// The log of such a program that was written to last; none when there is none.
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
