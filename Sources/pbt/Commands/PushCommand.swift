// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import PBT
import PBTReport

/// `pbt push`.
struct PushCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "push",
        abstract: "Queue a configuration by hand.",
        discussion: """
            The next founder that nobody has begun takes the values; what is not given stays as it was sampled. In a \
            manual search it becomes a new member. The random search beside the experiment gets them too. A value is JSON, or a number or word as in an experiment file; \
            a hyperparameter of a group is named with a dot: pbt push mnist learning_rate=1e-3 activation=relu \
            layers='[64, 64]' model.width=128.
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
        let hyperparameters = given.hyperparameters(
            in: try await opened.store.record(of: experiment).experiment.space)
        let interval = try await opened.store.push(hyperparameters, to: experiment)
        if let baseline = try await ExperimentFamily(experiment, in: opened.store).baseline {
            try await push(hyperparameters, beside: interval.id, to: baseline.experiment.name, in: opened)
        }
        if format.json {
            return try Output.json([
                "member": .integer(interval.id.member), "interval": .integer(interval.id.index),
                "hyperparameters": interval.hyperparameters.value,
            ])
        }
        try Output.line(
            "member \(interval.id.member) will train \(HyperparameterColumns.line(of: interval.hyperparameters))")
    }

    /// Gives the random search the same founder, so that both begin alike.
    private func push(
        _ hyperparameters: Hyperparameters, beside id: IntervalID, to baseline: String, in opened: OpenStore
    ) async throws {
        do {
            let other = try await opened.store.push(hyperparameters, to: baseline)
            if other.id != id {
                Output.warn("\(baseline) trains them as member \(other.id.member): the two do not begin alike")
            }
        } catch let error as PBTError where error.code == .wrongState {
            Output.warn("\(baseline) does not get them: \(error.message)")
        }
    }
}
