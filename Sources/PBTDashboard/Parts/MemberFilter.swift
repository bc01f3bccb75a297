// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTReport

/// A filter of members or intervals: conditions separated by spaces, all of which must hold.
struct MemberFilter {
    private enum Condition {
        /// A member's number, or the beginning of an id.
        case text(Substring, member: Int?)
        case state(Substring)
        case number(MemberColumn, sign: Character, than: Double)
        case value(MemberColumn, is: String)
    }

    private var conditions: [Condition] = []
    /// The reason why the first wrong word is not a condition; nil without one.
    private(set) var problem: String?
    /// For each word that may be the beginning of an id, the members with such an interval.
    private var members: [Substring: Set<Int>] = [:]

    /// Parses a filter; words that are not conditions are skipped.
    ///
    /// - Parameters:
    ///   - text: The filter.
    ///   - names: The columns that conditions may name.
    ///   - ids: The intervals by whose ids members are found; none for rows that are intervals.
    init(_ text: String, names: ColumnNames, ids: [Interval] = []) {
        for word in text.split(separator: " ") {
            switch Self.condition(word, names) {
            case .success(let condition):
                conditions.append(condition)
                guard case .text = condition else { continue }
                members[word] = Set(
                    ids.indices.filter { ids[$0].jobID.hasPrefix(word) }.map { ids[$0].id.member })
            case .failure(let wrong): problem = problem ?? wrong.text
            }
        }
    }

    /// A word that is not a condition.
    private struct Wrong: Error {
        let text: String
    }

    private static func condition(_ word: Substring, _ names: ColumnNames) -> Result<Condition, Wrong> {
        if word.hasPrefix("state:") {
            let state = word.dropFirst(6)
            let isKnown = MemberStatus.allWords.contains { $0.contains(state) }
            guard !state.isEmpty, isKnown else {
                return .failure(
                    Wrong(
                        text: "there is no state \"\(shown(state))\"; there are \(MemberStatus.allWords.quotedList)"))
            }
            return .success(.state(state))
        }
        // Names and values may hold these signs too: the last one after the name of a column, else the last one.
        let places = word.indices.filter { "<>=".contains(word[$0]) }
        let place = places.last { names.column(String(word[..<$0])) != nil } ?? places.last
        guard let place else {
            return .success(.text(word, member: Int(word)))
        }
        let (name, value) = (String(word[..<place]), String(word[word.index(after: place)...]))
        guard !name.isEmpty, !value.isEmpty else { return .failure(Wrong(text: advice(word))) }
        guard let column = names.column(name) else {
            return .failure(Wrong(text: "there is no column \"\(shown(name))\"\(names.advice(for: name))"))
        }
        if let number = Double(value) { return .success(.number(column, sign: word[place], than: number)) }
        return word[place] == "=" ? .success(.value(column, is: value)) : .failure(Wrong(text: advice(word)))
    }

    private static func shown(_ text: some StringProtocol) -> String { PlainText.line(String(text.prefix(60))) }

    private static func advice(_ word: Substring) -> String {
        "invalid filter \"\(shown(word))\": use a member's number, the beginning of an id, state:WORD, NAME>NUMBER, "
            + "NAME<NUMBER or NAME=VALUE, where NAME is score, interval, copies, a metric or a hyperparameter"
    }

    /// Returns whether a row meets all conditions.
    func accepts(_ row: MemberRow) -> Bool {
        conditions.allSatisfy { condition in
            switch condition {
            case .text(let word, let member):
                return row.member == member || row.newest.jobID.hasPrefix(word)
                    || !row.isInterval && members[word]?.contains(row.member) == true
            case .state(let word):
                return row.newest.state.rawValue.hasPrefix(word) || row.status.words.hasPrefix(word)
                    || row.status.words.split { !$0.isLetter }.contains { $0.hasPrefix(word) }
            case .number(let column, let sign, let than):
                guard let number = column.number(of: row) else { return false }
                return sign == ">" ? number > than : sign == "<" ? number < than : number == than
            case .value(let column, let text):
                return column.value(of: row).map { Format.value($0) } == text
            }
        }
    }
}
