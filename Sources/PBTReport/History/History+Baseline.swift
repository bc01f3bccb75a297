// SPDX-License-Identifier: Apache-2.0

import PBT

extension History {
    /// The name of the search that this one is compared with.
    package var baselineWords: String {
        (record.experiment.baselineKind ?? .randomSearch).words
    }

    /// ``baselineWords`` with a capital letter.
    var baselineTitle: String {
        baselineWords.prefix(1).uppercased() + baselineWords.dropFirst()
    }
}
