// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import PBT
import PBTCheckpoints
import PBTReport
import SystemPackage

/// `pbt rm`.
struct RemoveCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rm",
        abstract: "Delete an experiment and its random search, with their checkpoints and logs.")

    @Argument(help: "The experiment.", completion: .experiments)
    var experiment: String

    @Flag(name: [.short, .long], help: "Do not ask for confirmation.")
    var force = false

    @OptionGroup var storeOptions: StoreOptions

    func run() async throws {
        let opened = try await storeOptions.open()
        let family = try await ExperimentFamily(experiment, in: opened.store)
        var bytes: Int64 = 0
        for name in family.names {
            if let data = opened.data { bytes = bytes.adding(saturating: try data.size(of: data.directory(of: name))) }
        }
        let names = family.names.map { PlainText.line($0) }.joined(separator: " and ")
        let size = opened.data == nil ? "all" : Format.bytes(bytes)
        guard try force || isConfirmed(opened, "delete \(names) with \(size) of checkpoints and logs?") else {
            throw Failure(.noResult, "nothing was deleted")
        }
        try await whilePaused(family, in: opened.store) {
            try await checkIdle(family, in: opened)
            // The baseline first: as long as the experiment exists, the command can be repeated.
            for name in family.names.reversed() {
                do {
                    try await opened.store.remove(name)
                } catch let error as PBTError where error.code == .wrongState {
                    throw Failure(.tryLater, Hint.completed(error.message))
                }
                // A server deletes its files itself.
                if !opened.isRemote { try opened.data?.remove(name) }
            }
        }
        try Output.line("deleted \(names)\(opened.data == nil ? "" : ", \(size)")")
    }

    /// Runs `body` while no interval of a family can be claimed; if it throws, what was paused for that is resumed.
    private func whilePaused(
        _ family: ExperimentFamily, in store: any Store, _ body: () async throws -> Void
    ) async throws {
        var paused: [String] = []
        do {
            for record in family.records where record.state == .running {
                try await store.pause(record.experiment.name)
                paused.append(record.experiment.name)
            }
            try await body()
        } catch {
            for name in paused {
                do {
                    try await store.resume(name)
                } catch let other as PBTError where other.code == .noSuchExperiment {
                    // It was removed before the error.
                }
            }
            throw error
        }
    }

    /// Refuses to delete anything as long as a worker holds an interval of the family.
    ///
    /// - Throws: A ``Failure`` that names the experiment to stop.
    private func checkIdle(_ family: ExperimentFamily, in opened: OpenStore) async throws {
        for record in family.records where !record.state.isOver {
            let name = record.experiment.name
            let now = StoreClock.system.now()
            let live = try await opened.store.runningIntervals(of: name).filter { $0.leaseExpires ?? now > now }
            guard !live.isEmpty else { continue }
            throw Failure(
                .tryLater,
                "\(Words.count(live.count, "interval")) of \"\(PlainText.line(name))\" \(live.count == 1 ? "is" : "are") "
                    + "running; stop it first with: \(Hint.command("stop", experiment, in: opened))")
        }
    }

    /// Asks for confirmation on the terminal.
    ///
    /// - Throws: A ``Failure`` when there is no terminal.
    private func isConfirmed(_ opened: OpenStore, _ question: String) throws -> Bool {
        guard Terminal.input.isTerminal, Terminal.error.isTerminal else {
            throw Failure(
                .usage,
                "there is no terminal to confirm on; to delete \(experiment) without confirmation: "
                    + Hint.command("rm", "-f", experiment, in: opened))
        }
        return Output.confirms(question)
    }
}
