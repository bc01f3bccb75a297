// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTReport

/// The explanation of a decision.
struct DecisionText {
    let finding: Audit.Finding
    let loaded: LoadedExperiment

    private var id: IntervalID { finding.interval }
    /// The definition that it was made by.
    private var experiment: Experiment {
        loaded.revisions.first { $0.number == finding.revision }?.experiment ?? loaded.experiment
    }
    private var next: IntervalID { IntervalID(member: id.member, index: id.index + 1) }

    /// The end of its interval and the outcome, in one sentence.
    var summary: String {
        "\(id) \(ended); \(standing). \(outcome)"
    }

    /// Prints the decision.
    ///
    /// - Throws: A ``Failure`` when it cannot be written.
    func print() throws {
        try say("\(outcome)")
        try say("\(id) \(ended); \(standing).")
        if loaded.revisions.count > 1 { try say("Decided by revision \(finding.revision) of the definition.") }
        if finding.missing > 0 {
            try say(
                "Decided without the scores of \(Words.count(finding.missing, "member")), which were not waited for "
                    + "(patience): the run is not reproducible from its seed.")
        }
        if let choice = finding.choice { try explain(choice) }
        guard case .exploits(let donor) = finding.decision.outcome, let derived = finding.decision.next else {
            if let row = finding.recorded { try say(HyperparameterColumns.line(of: row.hyperparameters)) }
            return
        }
        if let prediction = finding.decision.prediction { try explain(prediction) }
        try Output.line()
        try changes(from: donor, to: derived).print()
    }

    private func say(_ text: String) throws {
        try Output.line(Words.plain(PlainText.line(text)))
    }

    /// The end of the interval.
    private var ended: String {
        guard let row = loaded.history.genealogy[id] else { return "is not recorded" }
        let place = row.sequence.map { ", the \(Words.ordinal(Int($0) + 1)) to finish" } ?? ""
        switch row.state {
        case .done: return "ended with \(experiment.objective.metric) \(row.scoreText)\(place)"
        case .diverged: return "diverged (\(row.reason ?? "no finite score"))\(place)"
        default: return "failed (\(row.reason ?? "reason unknown"))\(place)"
        }
    }

    /// The member's rank.
    private var standing: String {
        let others = Words.count(finding.rankedCount, "member")
        guard let rank = finding.rank else { return "it could not be ranked among \(others)" }
        return "it ranked \(Words.ordinal(rank + 1)) of \(others) (\(experiment.objective.goal.words))"
    }

    /// The outcome.
    private var outcome: String {
        switch finding.decision.outcome {
        case .continues: "\(next) continues from \(id) with its own checkpoint and hyperparameters."
        case .exploits(let donor): "\(next) copies \(donor): its checkpoint, and its hyperparameters after explore."
        case .restarts: "\(next) restarts as a founder (no donor available)."
        case .ends where id.index + 1 >= experiment.intervals: "There is no \(next): the member's budget is spent."
        case .ends: "There is no \(next): the member can neither continue nor be replaced."
        }
    }

    private func explain(_ choice: ExploitChoice) throws {
        try say("Rule: \(experiment.exploit.words).")
        if let bottom = choice.bottomCount, let top = choice.topCount, let rank = choice.rank {
            let cut = choice.size - bottom
            try say(
                bottom == 0
                    ? "Among \(Words.count(choice.size, "member")) there is no bottom to replace."
                    : "The bottom \(bottom) of \(choice.size) (rank \(cut + 1) and below) are replaced by one of "
                        + "the top \(top); rank \(rank + 1) is \(rank >= cut ? "" : "not ")among them.")
        } else if choice.rank == nil {
            try say("Unranked members are replaced" + (choice.topCount.map { " by one of the top \($0)." } ?? "."))
        }
        if let rival = choice.rival {
            let odds = choice.test.map { "; p = \($0.p.short) that it is not better (Welch's t-test)" } ?? ""
            try say("Opponent, drawn at random: \(Self.text(rival))\(odds).")
        }
        if !choice.candidates.isEmpty {
            let shown = choice.candidates.prefix(10).map { Self.text($0) }.joined(separator: ", ")
            let more = choice.candidates.count > 10 ? " and \(choice.candidates.count - 10) more" : ""
            try say("Candidates, each equally likely: \(shown)\(more).")
        }
        if let donor = choice.donor { try say("Donor: \(Self.text(donor)).") }
    }

    private func explain(_ prediction: Prediction) throws {
        let (gain, deviation) = (prediction.gain, prediction.deviation)
        let direction = (gain > 0) == (experiment.objective.goal == .maximize) ? "higher" : "lower"
        try say(
            "Expected after \(next): \(experiment.objective.metric) \(direction) by \(gain.magnitude.short) "
                + "± \(deviation.short) than the donor's, learned from \(Words.count(prediction.rows, "interval")).")
    }

    private static func text(_ member: Population.Member) -> String {
        "\(member.interval) (\(Format.score(member.score)))"
    }

    /// Each hyperparameter: the member's own value, the donor's, the operation, and the new value.
    private func changes(from donor: IntervalID, to derived: Interval) -> TextTable {
        let genealogy = loaded.history.genealogy
        let (own, donors) = (genealogy[id]?.hyperparameters, genealogy[donor]?.hyperparameters)
        var table = TextTable([
            .init("HYPERPARAMETER", canShrink: true), .init("\(id)", .right, rank: 1), .init("\(donor)", .right),
            .init(""),
            .init("\(next)", .right),
        ])
        for name in loaded.experiment.space.ordered(derived.hyperparameters.names) {
            let change = derived.changes.first { $0.name == name }
            let values = Self.cells([
                own?[name], change?.old ?? donors?[name], change?.new ?? derived.hyperparameters[name],
            ])
            table.append([name, values[0], values[1], Words.plain(change?.label ?? "unchanged"), values[2]])
        }
        return table
    }

    private static func cells(_ values: [Value?]) -> [String] {
        values.allSatisfy { $0 == nil || $0?.double != nil }
            ? Format.column(values.map { $0?.double }) : values.map { Format.value($0) }
    }
}
