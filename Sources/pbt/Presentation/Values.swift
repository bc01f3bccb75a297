// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTReport

// The values of the library as JSON, for scripts.

extension Value {
    /// Returns a string, or `null` for nil.
    static func string(orNull text: String?) -> Value {
        text.map { .string($0) } ?? .null
    }

    /// Returns a finite number, or `null`.
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
    /// The number of intervals in each state, all states included.
    var countsValue: Value {
        .object(
            Dictionary(uniqueKeysWithValues: Interval.State.allCases.map { ($0.rawValue, .integer(counts[$0] ?? 0)) }))
    }
}

extension Interval {
    /// The JSON fields that all inspecting commands share: `id` (that of a job, else `MEMBER@INTERVAL`), `member`,
    /// `interval`, `state`, `score`, `hyperparameters`, `parent`.
    var fields: [String: Value] {
        [
            "id": .string(jobID), "member": .integer(id.member), "interval": .integer(id.index),
            "state": .string(state.rawValue), "score": .score(state == .done ? score : nil),
            "hyperparameters": hyperparameters.value, "parent": parent?.value ?? .null,
        ]
    }

    /// The score for people; `-` when it is not finite or missing.
    var scoreText: String {
        state == .done ? score.map { Format.score($0) } ?? "-" : "-"
    }
}
