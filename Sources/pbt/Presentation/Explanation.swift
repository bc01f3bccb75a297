// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTReport

/// The explanation of an interval: its origin, and the decision that followed it.
struct Explanation {
    private let loaded: LoadedExperiment
    private let id: IntervalID
    /// Its row; nil when its member ended before it.
    private let row: Interval?
    private let founder: Audit.Founder?
    /// The decision that it came from.
    private let origin: Audit.Finding?
    /// The decision that followed it, once it is made.
    private let sequel: Audit.Finding?
    private let foundersMismatches: [String]

    /// Creates the explanation of an interval.
    ///
    /// - Parameters:
    ///   - id: The interval: an existing one, or the one after the last of a member that has ended.
    ///   - loaded: Its experiment.
    ///   - audit: An audit with the details of the two decisions.
    /// - Throws: A ``Failure`` when there is no such member or interval.
    init(of id: IntervalID, in loaded: LoadedExperiment, audit: Audit) throws {
        self.loaded = loaded
        self.id = id
        row = loaded.history.genealogy[id]
        founder = audit.founders.first { $0.interval == id }
        origin = audit.finding(leadingTo: id)
        sequel = audit.finding(after: id)
        foundersMismatches = audit.mismatches.filter { $0.interval == id }.map(\.problem)
        if row == nil, origin == nil { _ = try loaded.interval(IntervalArgument(id)) }
    }

    /// True if the record is identical to its re-derivation, bit for bit.
    var isIdentical: Bool {
        foundersMismatches.isEmpty
    }

    // MARK: JSON

    /// The explanation as JSON: `interval`, `founder` and what it `continues` or `decision`, `then`, `identical`, `differences`.
    var value: Value {
        var object: [String: Value] = [
            "interval": row.map { .object($0.fields) } ?? id.value, "identical": .bool(isIdentical),
            "differences": .array(foundersMismatches.map { .string($0) }),
            "then": sequel.map { value(of: $0) } ?? .null, "decision": origin.map { value(of: $0) } ?? .null,
        ]
        object["founder"] = founder.map { .string($0.origin.words) } ?? .null
        object["continues"] = continued.map { .string($0.source.description) } ?? .null
        return .object(object)
    }

    /// The checkpoint that a founder continues.
    private var continued: FounderCheckpoint? {
        founder == nil ? nil : loaded.experiment.founderCheckpoints[id.member]
    }

    private func value(of finding: Audit.Finding) -> Value {
        var object = finding.decision.value.object ?? [:]
        object["after"] = loaded.history.genealogy[finding.interval].map { .object($0.fields) } ?? .null
        object["next"] = finding.decision.next.map { $0.id.value } ?? .null
        object["ranked"] = .integer(finding.rankedCount)
        object["rank"] = finding.rank.map { .integer($0 + 1) } ?? .null
        object["identical"] = .bool(finding.isIdentical)
        object["revision"] = .integer(finding.revision)
        guard let choice = finding.choice else { return .object(object) }
        object["size"] = .integer(choice.size)
        object["bottom"] = choice.bottomCount.map { .integer($0) } ?? .null
        object["top"] = choice.topCount.map { .integer($0) } ?? .null
        object["candidates"] = .array(choice.candidates.map { Self.value(of: $0) })
        object["rival"] = choice.rival.map { Self.value(of: $0) } ?? .null
        object["p"] = choice.test.map { .score($0.p) } ?? .null
        object["gate"] = choice.gate.map { Self.value(of: $0) } ?? .null
        object["collapse"] = choice.collapse.map { Self.value(of: $0) } ?? .null
        object["sub_population"] = choice.subPopulation.map { Self.value(of: $0) } ?? .null
        return .object(object)
    }

    private static func value(of inside: ExploitChoice.SubPopulation) -> Value {
        let hyperparameters: Value? =
            switch inside.origin {
            case nil: nil
            case .donor: "migrant"
            case .best: "best"
            case .own: "own"
            }
        return [
            "number": .integer(inside.number), "every": .integer(inside.every), "due": .bool(inside.isDue),
            "size": .integer(inside.size), "rank": inside.rank.map { .integer($0 + 1) } ?? .null,
            "quarter": .integer(inside.quarter), "migrant": inside.candidate.map { Self.value(of: $0) } ?? .null,
            "hyperparameters": hyperparameters ?? .null,
        ]
    }

    private static func value(of member: Population.Member) -> Value {
        ["member": .integer(member.id), "interval": .integer(member.index), "score": .number(member.score)]
    }

    private static func value(of verdict: ExploitGate.Verdict) -> Value {
        var object: [String: Value] = [
            "donor": value(of: verdict.donor), "gap": .number(verdict.gap), "passes": .bool(verdict.passes),
        ]
        object["absolute"] = verdict.absolute.map { .number($0) }
        object["relative"] = verdict.relative.map { .number($0) }
        object["spread"] = verdict.spread.map { .number($0) }
        return .object(object)
    }

    private static func value(of collapse: Elites.Collapse) -> Value {
        var object: [String: Value] = [
            "elite": value(of: collapse.elite), "best": collapse.best.map { value(of: $0) } ?? .null,
            "gap": collapse.verdict.map { .number($0.gap) } ?? .null,
        ]
        object["absolute"] = collapse.verdict?.absolute.map { .number($0) }
        object["relative"] = collapse.verdict?.relative.map { .number($0) }
        return .object(object)
    }

    // MARK: Text

    /// Prints the explanation for people.
    ///
    /// - Throws: A ``Failure`` when it cannot be written.
    func print() throws {
        if let label = row?.label { try say("\(id) is the job \(label).") }
        if let founder {
            let revision = loaded.revisions.count > 1 ? ", by revision \(founder.revision) of the definition" : ""
            try say("\(id) is a founder: \(founder.origin.words)\(revision).")
            if let continued {
                let best = loaded.experiment.founderCheckpoints.experiment.map { ", from the best of \"\($0)\"" } ?? ""
                try say("It continues the checkpoint \(continued.source)\(best).")
            }
            if let row { try say(HyperparameterColumns.line(of: row.hyperparameters, in: loaded.experiment.space)) }
        }
        if let origin { try DecisionText(finding: origin, loaded: loaded).print() }
        try say("re-derived from the recorded rows: " + (isIdentical ? "identical" : "MISMATCH"))
        for problem in foundersMismatches { try say("  \(problem)") }
        try Output.line()
        guard let sequel else {
            let state = row?.state.rawValue ?? ""
            if let row {
                let missing =
                    row.isUndecided
                    ? loaded.experiment.waitsForCertainty
                        ? "; its member's next step depends on scores that are still missing"
                        : "; its member's next step is decided at the next claim"
                    : row.state.isFinished ? "; its generation is not complete" : ""
                try say("\(id) is \(state)\(missing).")
            }
            return
        }
        try say("Then: " + DecisionText(finding: sequel, loaded: loaded).summary)
    }

    private func say(_ text: String) throws {
        try Output.line(Words.plain(PlainText.line(text)))
    }
}

extension Audit.Founder.Origin {
    /// The origin of its hyperparameters, as a clause.
    var words: String {
        switch self {
        case .sampled: "its hyperparameters were drawn from the space"
        case .listed(let names):
            "\(names.joined(separator: ", ")) as listed under initial: or copied with from:, the others drawn from the space"
        case .pushed(let names):
            "\(names.joined(separator: ", ")) as queued by the user, the others unchanged"
        case .schedule: "its hyperparameters are the first of the replayed schedule"
        case .manual: "its hyperparameters were queued by the user"
        }
    }
}
