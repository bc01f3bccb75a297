// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import PBT
import PBTReport

/// `pbt push`.
struct PushCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "push",
        abstract: "Queue a configuration.",
        discussion: """
            The next founder that has not started takes the values; hyperparameters that are not given keep their sampled \
            values. In a manual search the configuration becomes a new member. The experiment's random search gets it too. \
            A value is JSON, or a number or word as in an experiment file; a hyperparameter of a group is named with a \
            dot: pbt push mnist learning_rate=1e-3 activation=relu layers='[64, 64]' model.width=128.
            """)

    @Argument(help: "The experiment.", completion: .experiments)
    var experiment: String

    @Argument(help: ArgumentHelp("Hyperparameters.", valueName: "name=value"))
    var values: [String]

    @OptionGroup var storeOptions: StoreOptions
    @OptionGroup var format: FormatOptions

    func run() async throws {
        let given = try GivenValues(values)
        let opened = try await storeOptions.open()
        let space = try await opened.store.record(of: experiment).experiment.space
        let hyperparameters = try given.hyperparameters(in: space)
        let interval = try await opened.store.push(hyperparameters, to: experiment)
        if let baseline = try await ExperimentFamily(experiment, in: opened.store).baseline {
            try await push(hyperparameters, matching: interval.id, to: baseline.experiment.name, in: opened)
        }
        if format.json {
            return try Output.json([
                "member": .integer(interval.id.member), "interval": .integer(interval.id.index),
                "hyperparameters": interval.hyperparameters.value,
            ])
        }
        let line = HyperparameterColumns.line(of: interval.hyperparameters, in: space)
        try Output.line("member \(interval.id.member) will train \(line)")
    }

    /// Gives the random search the same founder, so that both start from the same configurations.
    private func push(
        _ hyperparameters: Hyperparameters, matching id: IntervalID, to baseline: String, in opened: OpenStore
    ) async throws {
        do {
            let other = try await opened.store.push(hyperparameters, to: baseline)
            if other.id != id {
                Output.warn(
                    "\(baseline) trains them as member \(other.id.member): the two do not start from the same configurations"
                )
            }
        } catch let error as PBTError where error.code == .wrongState {
            Output.warn("\(baseline) does not get them: \(error.message)")
        }
    }
}
