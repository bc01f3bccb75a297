// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTReport

// The values of the library as JSON, for scripts.

extension Value {
    /// Text, or `null` when there is none.
    static func string(orNull text: String?) -> Value {
        text.map { .string($0) } ?? .null
    }

    /// A finite number, or `null`.
    static func score(_ number: Double?) -> Value {
        number.flatMap { $0.isFinite ? .number($0) : nil } ?? .null
    }
}

extension Experiment {
    /// Its kind as an experiment file writes it.
    var kindName: String {
        value["kind"]?.string ?? ""
    }
}

extension ExperimentRecord {
    /// How many intervals are in each state, every state named.
    var countsValue: Value {
        .object(
            Dictionary(uniqueKeysWithValues: Interval.State.allCases.map { ($0.rawValue, .integer(counts[$0] ?? 0)) }))
    }
}

extension Interval {
    /// The interval with the keys that all looking commands share: `member`, `interval`, `state`, `score`,
    /// `hyperparameters`, `parent`.
    var fields: [String: Value] {
        [
            "member": .integer(id.member), "interval": .integer(id.index), "state": .string(state.rawValue),
            "score": .score(state == .done ? score : nil), "hyperparameters": hyperparameters.value,
            "parent": parent?.value ?? .null,
        ]
    }

    /// The score as people read it; `-` when there is none that is finite.
    var scoreText: String {
        state == .done ? score.map { Format.score($0) } ?? "-" : "-"
    }
}
