// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTHTTP
import PBTReport

/// All members of an experiment.
struct MembersPage {
    let experiment: ExperimentContext

    /// How many members a page shows.
    private static let limit = 100

    func reply() -> Reply {
        let all = experiment.memberRows()
        let text = experiment.options["filter"] ?? ""
        let filter = MemberFilter(text)
        let found = all.filter { filter.accepts($0, experiment) }
        let chosen = experiment.options["columns"]
        let table = MembersTable(experiment, rows: found, of: all, columns: chosen)
        let last = max(0, found.count - 1) / Self.limit
        let page = min(last, max(0, experiment.options["page"].flatMap { Int($0) } ?? 0))
        let shown = table.rows.dropFirst(page * Self.limit).prefix(Self.limit)
        return experiment.layout("Members").reply {
            tag("h2") { "Members" }
            form(text)
            if !all.isEmpty { table.picker(isOpen: chosen != nil) }
            tag("section", ["id": "live-members", "class": "card wide"]) {
                if let wrong = filter.wrong {
                    tag("p", ["class": "banner warn"]) { MemberFilter.advice(wrong) }
                }
                if shown.isEmpty {
                    tag("p", ["class": "note"]) {
                        all.isEmpty ? "There are no members yet." : "None of the \(all.count) members is like that."
                    }
                } else {
                    table.html(shown, isSortable: true, caption: "members")
                    table.note
                    pages(shown, of: found.count, all.count, page, last)
                }
            }
            PathLine.html
        }
    }

    private func form(_ text: String) -> HTML {
        tag("form", ["class": "filter", "role": "search"]) {
            tag("label") {
                "Filter "
                void(
                    "input",
                    [
                        "type": "search", "name": "filter", "id": "filter", "value": text.isEmpty ? nil : text,
                        "placeholder": "state:failed lr>1e-3 7",
                    ])
            }
            for name in ["sort", "columns"] {
                if let value = experiment.options[name] {
                    void("input", ["type": "hidden", "name": name, "value": value])
                }
            }
            tag("button", [:]) { "filter" }
            tag("a", ["href": Links.experiment(experiment.name, "members.csv")]) { "CSV" }
            tag("a", ["href": Links.experiment(experiment.name, "members.json")]) { "JSON" }
        }
    }

    private func pages(_ shown: ArraySlice<MemberRow>, of found: Int, _ all: Int, _ page: Int, _ last: Int) -> HTML {
        tag("p", ["class": "note pages"]) {
            "showing \(page * Self.limit + 1)–\(page * Self.limit + shown.count) of \(found)"
            if found < all {
                " that fit, of \(all) · "
                tag("a", ["href": experiment.options.query(changing: ["filter": nil, "page": nil])]) { "show all" }
            }
            if page > 0 {
                " · "
                tag("a", ["rel": "prev", "href": experiment.options.query(changing: ["page": "\(page - 1)"])]) {
                    "previous"
                }
            }
            if page < last {
                " · "
                tag("a", ["rel": "next", "href": experiment.options.query(changing: ["page": "\(page + 1)"])]) {
                    "next"
                }
            }
        }
    }
}

/// Which members are shown: conditions separated by spaces, all of which must hold.
struct MemberFilter {
    private enum Condition {
        case member(Int)
        case state(Substring)
        case number(name: String, sign: Character, than: Double)
        case text(name: String, is: String)
    }

    private var conditions: [Condition] = []
    /// The first word that is no condition.
    private(set) var wrong: String?

    init(_ text: String) {
        for word in text.split(separator: " ") {
            if let condition = Self.condition(word) {
                conditions.append(condition)
            } else {
                wrong = wrong ?? String(word)
            }
        }
    }

    /// What to write instead of a word that is no condition.
    static func advice(_ wrong: String) -> String {
        "\"\(PlainText.line(String(wrong.prefix(60))))\" is no filter: give a member's number, state:WORD, or NAME>NUMBER, "
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

    /// Whether a member is shown.
    func accepts(_ row: MemberRow, _ opened: ExperimentContext) -> Bool {
        conditions.allSatisfy { condition in
            switch condition {
            case .member(let member): return row.member == member
            case .state(let word):
                let words = row.state(retries: opened.experiment.retries, isOver: opened.record.state.isOver).words
                return words.contains(word) || row.newest.state.rawValue.hasPrefix(word)
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
