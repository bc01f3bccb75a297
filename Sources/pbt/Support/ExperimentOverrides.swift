// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import PBT
import SystemPackage

/// What may differ from the experiment file, so that one file serves several seeds.
struct ExperimentOverrides: ParsableArguments {
    @Option(name: .long, help: "The experiment's name, instead of that in the file.")
    var name: String?

    @Option(name: .long, help: "The seed, instead of that in the file. Give a --name too: a name has one seed.")
    var seed: Int?

    @Option(
        name: .long,
        help: ArgumentHelp(
            "Founders continue the best members of another experiment in the store: checkpoints and hyperparameters.",
            valueName: "experiment"),
        completion: .experiments)
    var from: String?

    /// How the same file is trained with what was given.
    ///
    /// - Parameters:
    ///   - file: The file, as it was given.
    ///   - workers: How many workers were given.
    ///   - opened: The store.
    ///   - directory: Where the store is by default.
    /// - Returns: The command line.
    func hint(_ file: String, workers: Int? = nil, in opened: OpenStore, beside directory: FilePath) -> RunHint {
        RunHint(
            file: file, name: name, seed: seed, from: from, workers: workers, store: opened.location,
            directory: directory)
    }

    /// The experiment with what was given.
    ///
    /// - Throws: A ``Failure`` for a name that no experiment may have.
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
                    "--from says what founders start with, and so does initial or from in the file; keep one of the two"
                )
            }
            experiment.founderCheckpoints.experiment = from
        }
        return experiment
    }
}
