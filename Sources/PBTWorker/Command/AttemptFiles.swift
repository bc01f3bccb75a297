// SPDX-License-Identifier: Apache-2.0

import PBTCheckpoints
import SystemPackage

/// The files through which a command and its worker talk.
struct AttemptFiles {
    /// This interval's hyperparameters, a JSON object.
    let hyperparameters: FilePath
    /// Where the program writes its metrics, a JSON object.
    let results: FilePath

    init(of attempt: Attempt) {
        hyperparameters = attempt.scratch.appending("hyperparameters.json")
        results = attempt.scratch.appending("results.json")
    }
}
