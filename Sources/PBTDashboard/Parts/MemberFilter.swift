// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTReport

/// A filter of members: conditions separated by spaces, all of which must hold.
struct MemberFilter {
    private enum Condition {
        case member(Int)
        case state(Substring)
        case number(name: String, sign: Character, than: Double)
        case text(name: String, is: String)
    }

    private var conditions: [Condition] = []
    /// The first word that is not a condition.
    private(set) var invalid: String?

    /// Parses a filter; words that are not conditions are skipped.
    init(_ text: String) {
        for word in text.split(separator: " ") {
            if let condition = Self.condition(word) {
                conditions.append(condition)
            } else {
                invalid = invalid ?? String(word)
            }
        }
    }

    /// Returns a message about a word that is not a condition, with the forms that are.
    static func advice(_ invalid: String) -> String {
        "invalid filter \"\(PlainText.line(String(invalid.prefix(60))))\": use a member's number, state:WORD, NAME>NUMBER, "
            + "NAME<NUMBER or NAME=VALUE, where NAME is score, interval, copies or a hyperparameter"
    }

    private static func condition(_ word: Substring) -> Condition? {
        if let member = Int(word) { return .member(member) }
        if word.hasPrefix("state:") { return .state(word.dropFirst(6)) }
        guard let place = word.lastIndex(where: { "<>=".contains($0) }) else { return nil }
        let (name, value) = (String(word[..<place]), String(word[word.index(after: place)...]))
        guard !name.isEmpty, !value.isEmpty else { return nil }
        if let number = Double(value) { return .number(name: name, sign: word[place], than: number) }
        return word[place] == "=" ? .text(name: name, is: value) : nil
    }

    /// Returns whether a member meets all conditions.
    func accepts(_ row: MemberRow) -> Bool {
        conditions.allSatisfy { condition in
            switch condition {
            case .member(let member): return row.member == member
            case .state(let word):
                return row.status.words.contains(word) || row.newest.state.rawValue.hasPrefix(word)
            case .number(let name, let sign, let than):
                guard let number = number(name, row) else { return false }
                return sign == ">" ? number > than : sign == "<" ? number < than : number == than
            case .text(let name, let text):
                return row.newest.hyperparameters[name].map { Format.value($0) } == text
            }
        }
    }

    private func number(_ name: String, _ row: MemberRow) -> Double? {
        switch name {
        case "score": row.score
        case "interval": Double(row.newest.id.index)
        case "copies": Double(row.copies)
        default: row.newest.hyperparameters[name]?.double
        }
    }
}
