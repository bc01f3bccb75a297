// SPDX-License-Identifier: Apache-2.0

/// Labels of intervals, by which the clients of ``ExperimentRecord/labelsIntervals`` know them.
package enum JobLabel {
    /// The key in an experiment's notes that marks its intervals as jobs of Schedy's clients; stores hold this string.
    package static let key = "schedy"

    /// Returns an unused label: six characters that are safe in URLs.
    ///
    /// - Parameters:
    ///   - record: The experiment.
    ///   - rows: The rows.
    ///   - random: Returns 64 random bits.
    /// - Returns: The label.
    /// - Throws: The errors of the database.
    package static func fresh(
        in record: ExperimentRecord, of rows: some Ledger, random: () -> UInt64
    ) throws -> String {
        let characters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
        while true {
            let bits = random()
            let label = String((0..<6).map { characters[Int(bits >> (6 * UInt64($0)) & 63)] })
            // Not one that looks like a command-line option.
            if !label.hasPrefix("-"), try rows.interval(labeled: label, in: record) == nil { return label }
        }
    }

    /// Returns bits of a random text.
    static func bits(of text: String) -> UInt64 {
        text.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    }
}

extension ExperimentRecord {
    /// True if each of its intervals is a job with a label, once it may be trained.
    package var labelsIntervals: Bool { notes[JobLabel.key] != nil }
}

extension SearchSpace {
    /// Returns the hyperparameters with a rule of their own by which explore changes them that are missing, by name.
    package func missingExplored(in given: [String: PBT.Value]) -> [String] {
        names.filter { self[$0]?.explore != nil && self[$0]?.condition == nil && given[$0] == nil }.sorted()
    }
}
