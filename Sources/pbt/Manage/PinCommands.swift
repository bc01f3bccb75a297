// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import PBT
import PBTCheckpoints

/// `pbt pin`.
struct PinCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pin", abstract: "Keep the checkpoint of an interval, whatever the experiment needs.")

    @Argument(help: "The experiment.", completion: .experiments)
    var experiment: String

    @Argument(help: "The interval: MEMBER@INTERVAL, for example 3@12.")
    var interval: IntervalArgument

    @OptionGroup var storeOptions: StoreOptions

    func run() async throws {
        let opened = try await storeOptions.open()
        let id = try interval.interval()
        try await opened.store.pin(id, of: experiment, true)
        let pinned = try await opened.store.interval(id, of: experiment)
        let path =
            pinned.checkpoint.flatMap { opened.data?.checkpoint(named: $0, of: experiment) }.map { " in \($0)" } ?? ""
        try Output.line("the checkpoint of \(id) is kept\(path)")
    }
}

/// `pbt unpin`.
struct UnpinCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "unpin", abstract: "Keep the checkpoint of an interval no longer than it is needed.")

    @Argument(help: "The experiment.", completion: .experiments)
    var experiment: String

    @Argument(help: "The interval: MEMBER@INTERVAL, for example 3@12.")
    var interval: IntervalArgument

    @OptionGroup var storeOptions: StoreOptions

    func run() async throws {
        let opened = try await storeOptions.open()
        let store = opened.store
        let id = try interval.interval()
        try await store.pin(id, of: experiment, false)
        let isNeeded = try await store.interval(id, of: experiment).checkpointState == .kept
        try Output.line(
            "the checkpoint of \(id) is not pinned"
                + (isNeeded
                    ? "; it is kept as long as it is needed"
                    : " and not needed; delete it with: \(Hint.command("gc", experiment, in: opened))"))
    }
}
