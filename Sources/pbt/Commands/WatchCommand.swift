// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import PBT
import PBTReport
import UnixSignals

/// `pbt watch`.
struct WatchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "watch",
        abstract: "Watch experiments on the whole screen, whoever trains them.",
        discussion: """
            j and k move, Enter opens, Esc goes back, s sorts, f or / filters, l shows the lineage, h the schedule, e what \
            failed, ? explains the keys, q ends. Nothing can be changed from here.
            """)

    @Argument(help: "The experiment; a list of all when none is named.", completion: .experiments)
    var experiment: String?
    @OptionGroup var storeOptions: StoreOptions

    func run() async throws {
        guard Terminal.output.takesEscapes, Terminal.input.isTerminal else {
            let location = try storeOptions.location()
            let name = experiment ?? "last"
            throw Failure(
                .usage,
                "watch needs a terminal, and this is none; to look once: \(Hint.command("show", name, in: location)), "
                    + "for a program: \(Hint.command("show", name, "--json", in: location))")
        }
        let opened = try await storeOptions.open(reading: true)
        let watcher = Watcher(opened.store, at: opened.location.description)
        try await watcher.open(experiment)
        // Traps first, so that no signal finds the screen taken and nobody to give it back.
        let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm, .sighup, .sigwinch)
        ScreenGuard.take(1, .full, readsKeys: true)
        defer { ScreenGuard.restore() }
        let keys = try Keys()
        defer { keys.stop() }
        let status = try await withThrowingTaskGroup(of: ExitStatus?.self) { tasks in
            tasks.addTask {
                try await watcher.follow()
                return nil
            }
            tasks.addTask {
                for await key in keys.pressed {
                    if try await watcher.press(key) { return .done }
                }
                // The terminal is gone.
                return .terminated
            }
            tasks.addTask {
                for await signal in signals {
                    guard signal == .sigwinch else { return signal == .sigint ? .interrupted : .terminated }
                    try await watcher.draw()
                }
                return nil
            }
            defer { tasks.cancelAll() }
            while let status = try await tasks.next() {
                if let status { return status }
            }
            return .done
        }
        guard status == .done else { throw Failure(status, nil) }
    }
}
