// SPDX-License-Identifier: Apache-2.0

extension Experiment {
    /// Returns the gate's verdict on a donor; nil if there is no gate, or if the member cannot be ranked and is replaced
    /// regardless.
    package func verdict(
        on donor: Population.Member, for member: Int, in population: Population
    ) -> ExploitGate.Verdict? {
        guard let gate, let member = population[id: member] else { return nil }
        return gate.verdict(
            on: donor, for: member, in: population, comparesMeans: exploit.window > 1)
    }
}

extension ExploitChoice {
    /// Applies a gate: a member whose donor it does not let pass continues.
    package mutating func apply(_ verdict: ExploitGate.Verdict?) {
        gate = verdict
        if verdict?.passes == false { donor = nil }
    }
}

extension Experiment {
    /// Reads the gate next to an exploit rule: `{truncation: 0.2, gate: {relative: 0.05}}`.
    static func readGate(_ reader: ObjectReader) throws(DocumentError) -> ExploitGate? {
        guard let document = reader.document("exploit"), case .object(let entries) = document.content,
            let entry = entries.first(where: { $0.name == "gate" }), entry.content.value != .null
        else { return nil }
        let known = ["absolute", "relative", "spread"]
        let gate = try ObjectReader(
            entry.content, path: "exploit.gate", known: known,
            hints: ["std": "write spread: STANDARD_DEVIATIONS", "sigma": "write spread: STANDARD_DEVIATIONS"])
        guard known.contains(where: gate.has) else {
            throw DocumentError(
                line: entry.line, path: "exploit.gate",
                problem: "has no condition; write for example: {relative: 0.05, spread: 0.5}")
        }
        func gap(_ name: String, _ most: Double, _ unit: String) throws(DocumentError) -> Double? {
            guard let gap = try gate.double(name) else { return nil }
            guard (0...most).contains(gap) else {
                throw gate.error(name, "must be a gap from 0 to \(most.short), in \(unit), not \(gap.short)")
            }
            return gap
        }
        return ExploitGate(
            absolute: try gap("absolute", Limits.magnitude, "units of the score"),
            relative: try gap("relative", Limits.factor.upperBound, "parts of the donor's score"),
            spread: try gap("spread", Limits.factor.upperBound, "standard deviations of the scores"))
    }
}
