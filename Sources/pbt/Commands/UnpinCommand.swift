// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import PBT

/// `pbt unpin`.
struct UnpinCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "unpin",
        abstract: "Unpin the checkpoint of an interval: it is kept only as long as the experiment needs it.")

    @Argument(help: "The experiment.", completion: .experiments)
    var experiment: String

    @Argument(help: "The interval: MEMBER@INTERVAL, for example 3@12.")
    var interval: IntervalArgument

    @OptionGroup var storeOptions: StoreOptions

    func run() async throws {
        let id = try interval.interval()
        let opened = try await storeOptions.open()
        let store = opened.store
        try await store.pin(id, of: experiment, false)
        let state = try await store.interval(id, of: experiment).checkpointState
        let consequence =
            switch state {
            case .kept: "the checkpoint of \(id) is not pinned; it is kept as long as it is needed"
            case .garbage:
                "the checkpoint of \(id) is not pinned and not needed; delete it with: "
                    + Hint.command("gc", experiment, in: opened)
            case .none, .deleted: "interval \(id) has no checkpoint (any longer); nothing is pinned"
            }
        try Output.line(consequence)
    }
}
