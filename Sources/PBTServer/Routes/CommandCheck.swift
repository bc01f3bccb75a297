// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTCheckpoints

extension Experiment {
    /// Checks the placeholders of the command, on which each attempt would fail.
    ///
    /// - Throws: A `PBTError` with code `badExperiment` that has all that is wrong.
    func checkCommand() throws(PBTError) {
        guard let trainer else { return }
        let problems = CommandTemplate.problems(in: trainer.command, space: space).map {
            DocumentError(line: 0, path: "command[\($0.argument)]", problem: $0.text)
        }
        guard var first = problems.first else { return }
        first.more = Array(problems.dropFirst())
        throw PBTError(.badExperiment, "definition: \(first)", problems: problems)
    }
}
