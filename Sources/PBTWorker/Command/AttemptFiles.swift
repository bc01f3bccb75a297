// SPDX-License-Identifier: Apache-2.0

import PBTCheckpoints
import SystemPackage

/// The files that a command and its worker exchange.
struct AttemptFiles {
    /// The hyperparameters of the interval, a JSON object.
    let hyperparameters: FilePath
    /// The results file, to which the program writes its metrics as a JSON object.
    let results: FilePath

    init(of attempt: Attempt) {
        hyperparameters = attempt.scratch.appending("hyperparameters.json")
        results = attempt.scratch.appending("results.json")
    }
}
