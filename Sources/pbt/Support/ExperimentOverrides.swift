// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import PBT
import SystemPackage

/// The options that override an experiment file, so that one file serves several seeds.
struct ExperimentOverrides: ParsableArguments {
    @Option(name: .long, help: "The experiment's name, instead of that in the file.")
    var name: String?

    @Option(name: .long, help: "The seed, instead of that in the file; give a --name too, since a name has one seed.")
    var seed: Int?

    @Option(
        name: .long,
        help: ArgumentHelp(
            "Founders continue the best members of another experiment in the store: checkpoints and hyperparameters.",
            valueName: "experiment"),
        completion: .experiments)
    var from: String?

    /// Returns the command line that trains the file with the same options.
    ///
    /// - Parameters:
    ///   - file: The file, as on the command line.
    ///   - workers: The number of workers on the command line.
    ///   - seeds: The number of searches on the command line.
    ///   - gpus: The devices on the command line.
    ///   - opened: The store.
    ///   - directory: The directory of the default store.
    /// - Returns: The command line.
    func hint(
        _ file: String, workers: Int? = nil, seeds: Int? = nil, gpus: [String]? = nil, in opened: OpenStore,
        storeDirectory directory: FilePath
    ) -> RunHint {
        RunHint(
            file: file, name: name, seed: seed, from: from, workers: workers, seeds: seeds, gpus: gpus,
            store: opened.location, directory: directory)
    }

    /// Returns the experiment with the overrides applied.
    ///
    /// - Throws: A ``Failure`` for an invalid name, or for two sources of founders.
    func applied(to experiment: Experiment) throws -> Experiment {
        var experiment = experiment
        if let name {
            if let complaint = Experiment.complaint(aboutName: name) { throw Failure(.usage, "--name \(complaint)") }
            experiment.name = name
        }
        if let seed { experiment.seed = UInt64(bitPattern: Int64(seed)) }
        if let from {
            if let complaint = Experiment.complaint(aboutName: from) { throw Failure(.usage, "--from \(complaint)") }
            guard experiment.initial.isEmpty, experiment.founderCheckpoints.isEmpty else {
                throw Failure(
                    .usage,
                    "--from conflicts with initial or from in the file: both say what founders start with; keep one"
                )
            }
            experiment.founderCheckpoints.experiment = from
        }
        return experiment
    }
}
