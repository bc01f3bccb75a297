// SPDX-License-Identifier: Apache-2.0

extension Experiment {
    /// Returns the choice for a member that returns to an elite, since the population has collapsed; nil otherwise.
    func returnToElite(after interval: Interval, in population: Population) -> ExploitChoice? {
        guard let elites, let collapse = elites.collapse(of: population) else { return nil }
        let id = interval.id
        var choice = ExploitChoice(rank: population.rank(of: id.member), size: population.size)
        choice.collapse = collapse
        choice.candidates = elites.candidates(for: population[id: id.member], in: population)
        guard !choice.candidates.isEmpty else { return nil }
        var random = RandomStream(seed: seed, .exploit, member: id.member, index: id.index + 1)
        choice.donor = choice.candidates[random.index(below: choice.candidates.count)]
        return choice
    }

    /// Reads the elites next to an exploit rule: `{truncation: 0.2, elites: {count: 2, relative: 0.1}}`.
    static func readElites(_ reader: ObjectReader) throws(DocumentError) -> Elites? {
        guard let document = reader.document("exploit"), case .object(let entries) = document.content,
            let entry = entries.first(where: { $0.name == "elites" }), entry.content.value != .null
        else { return nil }
        let example = "write for example: {count: 2, relative: 0.1}"
        guard case .object = entry.content.content else {
            throw DocumentError(
                line: entry.line, path: "exploit.elites",
                problem: "must be an object, not \(entry.content.value.flowText); \(example)")
        }
        let elites = try ObjectReader(
            entry.content, path: "exploit.elites", known: ["count", "absolute", "relative"],
            hints: [
                "tolerance": "write relative: 0.1, a part of the elite's score, or absolute: 0.1",
                "spread": "the scores of a population that collapsed have no meaningful spread; write relative: 0.1",
            ])
        guard elites.has("absolute") || elites.has("relative") else {
            throw DocumentError(line: entry.line, path: "exploit.elites", problem: "has no tolerance; \(example)")
        }
        func loss(_ name: String, _ most: Double, _ unit: String) throws(DocumentError) -> Double? {
            guard let loss = try elites.double(name) else { return nil }
            guard (0...most).contains(loss) else {
                throw elites.error(name, "must be a loss from 0 to \(most.short), in \(unit), not \(loss.short)")
            }
            return loss
        }
        return Elites(
            count: try elites.int("count", atLeast: 1, atMost: Limits.elites.upperBound) ?? 2,
            absolute: try loss("absolute", Limits.magnitude, "units of the score"),
            relative: try loss("relative", Limits.factor.upperBound, "parts of the elite's score"))
    }

    /// Returns what keeps members from returning to elites.
    func elitesErrors(in document: Document) -> [DocumentError] {
        guard elites != nil else { return [] }
        var errors: [DocumentError] = []
        func fail(_ key: String, _ problem: String) {
            errors.append(DocumentError(line: document.line(of: [key]), path: key, problem: problem))
        }
        if exploit == .none {
            fail(
                "exploit",
                "elites cannot be combined with none, which never replaces a member; write truncation: 0.2, or "
                    + "remove elites")
        }
        if takesMembers {
            fail(
                "open", "cannot be combined with exploit.elites: members that come at any time have no common interval")
        } else if isSynchronous {
            fail(
                "synchronous",
                "cannot be combined with exploit.elites; write decide: certain, which gives the same tree of intervals")
        } else if decides != .certain {
            fail(
                "decide",
                "\(decides.rawValue) cannot be combined with exploit.elites, which compare scores of the same interval; "
                    + "write decide: certain")
        }
        return errors
    }
}
