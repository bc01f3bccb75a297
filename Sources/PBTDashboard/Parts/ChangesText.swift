// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTReport

/// The changes that explore made: `learning_rate 0.01 → 0.008 (×0.8)`.
struct ChangesText {
    let changes: [Change]

    var html: HTML {
        HTMLBuilder.buildArray(
            changes.enumerated().map { place, change in
                HTML(place > 0 ? ", " : "") + Formatting.name(change.name, width: 24) + HTML(" ")
                    + Formatting.value(change.before) + HTML(" → ") + Formatting.value(change.after)
                    + HTML(" (\(PlainText.line(change.label)))")
            })
    }
}
