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
        if let inside = finding.choice?.subPopulation { try explain(inside, of: finding.choice) }
        if finding.decision.outcome == .explores { try say("Rule: \(experiment.exploit.words).") }
        let changes: (donor: IntervalID?, next: Interval?)? =
            switch finding.decision.outcome {
            case .exploits(let donor), .adopts(let donor): (donor, finding.decision.next)
            case .explores: (nil, finding.decision.next)
            case .continues, .restarts, .ends: nil
            }
        guard let changes, let derived = changes.next else {
            if let row = finding.recorded {
                try say(HyperparameterColumns.line(of: row.hyperparameters, in: loaded.experiment.space))
            }
            return
        }
        if let prediction = finding.decision.prediction { try explain(prediction) }
        try Output.line()
        try table(of: changes.donor, to: derived).print()
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
        case .exploits(let donor):
            switch finding.choice?.subPopulation?.origin {
            case nil where takesWeightsOnly:
                "\(next) copies \(donor): its checkpoint; it keeps its own hyperparameters, after explore."
            case nil: "\(next) copies \(donor): its checkpoint, and its hyperparameters after explore."
            case .donor: "\(next) takes in \(donor), a migrant: its checkpoint and its hyperparameters."
            case .best(let best):
                "\(next) takes in \(donor), a migrant: its checkpoint, with the hyperparameters of \(best.interval)."
            case .own: "\(next) takes in \(donor), a migrant: its checkpoint; it keeps its own hyperparameters."
            }
        case .adopts(let donor):
            "\(next) continues from \(id) with its own checkpoint, and the hyperparameters of \(donor) after explore."
        case .explores:
            "\(next) continues from \(id) with its own checkpoint, and its own hyperparameters after explore."
        case .restarts: "\(next) restarts as a founder (no donor available)."
        case .ends where id.index + 1 >= experiment.intervals: "There is no \(next): the member's budget is spent."
        case .ends where experiment.members(continuingAfter: id.index) != nil && finding.rank != nil:
            "There is no \(next): of \(experiment.members(reportingAt: id.index)) members at this rung the best "
                + "\(experiment.members(continuingAfter: id.index) ?? 0) continue."
        case .ends: "There is no \(next): the member can neither continue nor be replaced."
        }
    }

    /// True if the member was replaced, but explored its own hyperparameters; one that could not be ranked takes both.
    private var takesWeightsOnly: Bool {
        experiment.exploit.takes == .weights && finding.rank != nil
    }

    private func explain(_ choice: ExploitChoice) throws {
        try say("Rule: \(experiment.exploit.words).")
        if let collapse = choice.collapse { return try explain(collapse, of: choice) }
        if let bottom = choice.bottomCount, let top = choice.topCount, let rank = choice.rank {
            let cut = choice.size - bottom
            try say(
                bottom == 0
                    ? "Among \(Words.count(choice.size, "member")) there is no bottom to replace."
                    : "The bottom \(bottom) of \(choice.size) (rank \(cut + 1) and below) are replaced by one of "
                        + "the top \(top); rank \(rank + 1) is \(rank >= cut ? "" : "not ")among them.")
        } else if choice.rank == nil, choice.subPopulation == nil {
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
        if let gate = choice.gate { try say(Self.text(gate)) }
    }

    /// Explains a return to an elite.
    private func explain(_ collapse: Elites.Collapse, of choice: ExploitChoice) throws {
        let elite = Self.text(collapse.elite)
        if let best = collapse.best, let verdict = collapse.verdict {
            let required = [verdict.absolute, verdict.relative].compactMap { $0 }.map {
                Format.significant($0, digits: 3)
            }
            try say(
                "Collapsed: the best of the interval, \(Self.text(best)), is worse than the best elite, \(elite), by "
                    + "\(Format.significant(verdict.gap, digits: 3)), more than \(required.joined(separator: " and "))."
            )
        } else {
            try say("Collapsed: no member could be ranked; the best elite is \(elite).")
        }
        let shown = choice.candidates.prefix(10).map { Self.text($0) }.joined(separator: ", ")
        let more = choice.candidates.count > 10 ? " and \(choice.candidates.count - 10) more" : ""
        try say("All members return to elites; candidates, each equally likely: \(shown)\(more).")
        if let donor = choice.donor { try say("Elite: \(Self.text(donor)).") }
    }

    /// Returns the gate's verdict in a sentence.
    private static func text(_ gate: ExploitGate.Verdict) -> String {
        let limits = [("absolute", gate.absolute), ("relative", gate.relative), ("spread", gate.spread)]
        let required = limits.compactMap { name, gap in
            gap.map { "\(Format.significant($0, digits: 3)) (\(name))" }
        }
        let gap =
            gate.gap > 0 ? "better by \(Format.significant(gate.gap, digits: 3))" : "not better than the member"
        return "Gate: \(text(gate.donor)) is \(gap); the gap must exceed "
            + "\(required.isEmpty ? "0" : required.joined(separator: " and ")), "
            + (gate.passes ? "and does." : "and does not: the member continues.")
    }

    /// Explains a member's place in its sub-population.
    private func explain(_ inside: ExploitChoice.SubPopulation, of choice: ExploitChoice?) throws {
        let name = "Sub-population \(inside.number + 1) of \(inside.count)"
        let interval = inside.every == 1 ? "each interval" : "every \(inside.every) intervals"
        let due = inside.isDue ? "now" : "not after this one"
        try say("\(name), \(Words.count(inside.size, "member")), exchanges after \(interval): \(due).")
        guard let rank = inside.rank else {
            return try say(
                inside.quarter > 0
                    ? "Unranked members are replaced by one of its top \(inside.quarter), or by the best of all."
                    : "Unranked members are replaced by its best, or by the best of all.")
        }
        guard inside.isDue, inside.quarter > 0 else { return }
        let quarter = inside.quarter
        let (migrants, bottom) = (inside.size - 2 * quarter, inside.size - quarter)
        try say(
            "Inside it ranks \(Words.ordinal(rank + 1)): from rank \(bottom + 1) its members are replaced by the top "
                + "\(quarter), paired by rank; from rank \(migrants + 1) by migrants that rank better.")
        guard rank >= migrants, rank < bottom, choice?.gate?.passes != false else { return }
        guard let candidate = inside.candidate else { return try say("No other sub-population has a migrant.") }
        guard let origin = inside.origin else {
            return try say("The best migrant left, \(Self.text(candidate)), does not rank better.")
        }
        switch origin {
        case .donor: try say("The migrant's sub-population exchanges less often, so its hyperparameters come along.")
        case .best(let best):
            try say(
                "The migrant's sub-population exchanges more often, so the hyperparameters are those of the best inside, "
                    + "\(Self.text(best)).")
        case .own:
            try say("The migrant's sub-population exchanges as often, so the member keeps its own hyperparameters.")
        }
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

    /// Each hyperparameter: the member's own value, the donor's, the operation, and the new value; without a donor, that
    /// column is left out.
    private func table(of donor: IntervalID?, to derived: Interval) -> TextTable {
        let genealogy = loaded.history.genealogy
        let (own, donors) = (genealogy[id]?.hyperparameters, donor.flatMap { genealogy[$0]?.hyperparameters })
        var table = TextTable(
            [.init("HYPERPARAMETER", canShrink: true), .init("\(id)", .right, rank: 1)]
                + (donor.map { [.init("\($0)", .right)] } ?? []) + [.init(""), .init("\(next)", .right)])
        let names = Set(derived.hyperparameters.names + derived.changes.map(\.name))
        for name in loaded.experiment.space.ordered(names) {
            let change = derived.changes.first { $0.name == name }
            let given = takesWeightsOnly ? donors?[name] : change.map(\.before) ?? donors?[name]
            let values = Self.cells([own?[name], given, derived.hyperparameters[name]])
            let label = Words.plain(change?.label ?? "unchanged")
            table.append([name, values[0]] + (donor == nil ? [] : [values[1]]) + [label, values[2]])
        }
        return table
    }

    private static func cells(_ values: [Value?]) -> [String] {
        values.allSatisfy { $0 == nil || $0?.double != nil }
            ? Format.column(values.map { $0?.double }) : values.map { Format.value($0) }
    }
}
