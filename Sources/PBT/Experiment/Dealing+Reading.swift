// SPDX-License-Identifier: Apache-2.0

extension Experiment {
    /// Reads the assignment of members to sub-populations: `members: interleaved`, or `members: blocks`.
    ///
    /// A stored definition without one was written before there was a choice: its sub-populations stay blocks.
    static func readDealing(
        _ reader: ObjectReader, of rule: ExploitRule, isStored: Bool
    ) throws(DocumentError) -> ExploitRule {
        var rule = rule
        guard let document = reader.document("exploit"), case .object(let entries) = document.content,
            let entry = entries.first(where: { $0.name == "members" })
        else {
            if isStored, !rule.subPopulations.isEmpty { rule.dealing.isInterleaved = false }
            return rule
        }
        func error(_ problem: String) -> DocumentError {
            DocumentError(line: entry.line, path: "exploit.members", problem: problem)
        }
        let word = entry.content.value
        guard word == "interleaved" || word == "blocks" else {
            throw error("must be interleaved or blocks, not \(word.flowText)")
        }
        guard !rule.subPopulations.isEmpty else {
            throw error("requires multi_frequency, which has sub-populations; remove it")
        }
        rule.dealing = ExploitRule.Dealing(isInterleaved: word == "interleaved", isNamed: true)
        return rule
    }
}
