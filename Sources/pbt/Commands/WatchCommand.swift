// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import PBT
import PBTReport
import UnixSignals

/// `pbt watch`.
struct WatchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "watch",
        abstract: "Watch experiments full screen, wherever they are trained.",
        discussion: """
            j and k move, Enter opens, Esc goes back, s sorts, f or / filters, l shows the lineage, h the schedule, e the \
            failures, ? the keys, q quits. Read-only: it changes nothing.
            """)

    @Argument(help: "The experiment; default: the list of all.", completion: .experiments)
    var experiment: String?
    @OptionGroup var storeOptions: StoreOptions

    func run() async throws {
        guard Terminal.output.takesEscapes, Terminal.input.isTerminal else {
            let location = try storeOptions.location()
            let name = experiment ?? "last"
            throw Failure(
                .usage,
                "watch needs a terminal, and this is not one; for a snapshot: \(Hint.command("show", name, in: location)), "
                    + "for a script: \(Hint.command("show", name, "--json", in: location))")
        }
        let opened = try await storeOptions.open(reading: true)
        let watcher = Watcher(opened.store, data: opened.data, at: opened.location.description)
        try await watcher.open(experiment)
        // Signals are trapped first, so that none arrives when the screen is taken and nothing restores it.
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
                // The terminal was closed.
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
