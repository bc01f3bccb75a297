// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTReport

/// Members in the order that a page's address asks for.
struct MembersTable {
    let opened: ExperimentContext
    /// The rows, in order.
    let rows: [MemberRow]
    /// What stands beside the member, in order.
    let columns: [MemberColumn]
    /// What is offered to stand there: no more than so many metrics, and those that were chosen.
    let choices: [MemberColumn]
    /// How many metrics are not offered.
    private let unnamed: Int
    private static let metrics = 50
    /// The hyperparameters that are the same for all and no column.
    let constants: [(name: String, value: Value?)]
    private let sort: Sort

    /// What rows are ordered by.
    struct Sort: Hashable {
        /// `member`, or the key of a ``MemberColumn``.
        var key = "score"
        var isReversed = false

        /// Reads `score` or `-score`.
        init(_ text: String?) {
            guard let text, !text.isEmpty else { return }
            isReversed = text.hasPrefix("-")
            key = isReversed ? String(text.dropFirst()) : text
        }

        var text: String { (isReversed ? "-" : "") + key }
    }

    /// A table of members.
    ///
    /// - Parameters:
    ///   - opened: Their experiment, and the page's options.
    ///   - rows: The members.
    ///   - all: All members, when the rows are some of them: the columns are theirs.
    ///   - chosen: The keys of the columns, separated by commas; the usual ones when not given.
    init(_ opened: ExperimentContext, rows: [MemberRow], of all: [MemberRow]? = nil, columns chosen: String? = nil) {
        self.opened = opened
        sort = Sort(opened.options["sort"])
        let members = all ?? rows
        func isSame(_ name: String) -> Bool {
            let first = members.first?.newest.hyperparameters[name]
            return members.allSatisfy { $0.newest.hyperparameters[name] == first }
        }
        let names = Set(members.flatMap { $0.newest.hyperparameters.values.keys }).sorted()
        var metrics = Set(members.flatMap { $0.scored?.metrics.keys.map(\.self) ?? [] })
        // It is the score.
        metrics.remove(opened.experiment.objective.metric)
        let keys = chosen.map { Set($0.split(separator: ",").map(String.init)) }
        let reported = metrics.sorted().map { MemberColumn.metric($0) }
        let offered = Set(reported.prefix(Self.metrics)).union(reported.filter { keys?.contains($0.key) ?? false })
        unnamed = reported.count - offered.count
        choices =
            [.state, .score, .gain, .interval] + names.map { .hyperparameter($0) } + reported.filter(offered.contains)
            + [.copies, .from]
        if let keys {
            columns = choices.filter { keys.contains($0.key) }
        } else {
            let varying = names.filter { !isSame($0) }
            let usual = Set(varying.isEmpty ? names : varying)
            columns = choices.filter { choice in
                switch choice {
                case .hyperparameter(let name): usual.contains(name)
                case .metric: false
                default: true
                }
            }
        }
        let shown = Set(columns)
        constants = names.filter { !shown.contains(.hyperparameter($0)) && isSame($0) }
            .map { ($0, members.first?.newest.hyperparameters[$0]) }
        self.rows = Self.sorted(rows, by: sort, goal: opened.goal)
    }

    /// What is missing comes last, whichever way.
    private static func sorted(_ rows: [MemberRow], by sort: Sort, goal: Objective.Goal) -> [MemberRow] {
        let keys: [(number: Double?, text: String?, member: Int)] = rows.map { row in
            switch sort.key {
            case "member": (Double(row.member), nil, row.member)
            case "gain": (row.gain.map { goal == .maximize ? -$0 : $0 }, nil, row.member)
            case "interval": (-Double(row.newest.id.index), nil, row.member)
            case "copies": (-Double(row.copies), nil, row.member)
            case "state": (nil, row.newest.state.rawValue, row.member)
            case let key where key.hasPrefix("h.") || key.hasPrefix("m."):
                {
                    let value = MemberColumn(key: key)?.value(of: row)
                    return value?.double.map { ($0.isFinite ? $0 : nil, nil, row.member) }
                        ?? (nil, value.map { Format.value($0) }, row.member)
                }()
            default: (row.score.map { goal == .maximize ? -$0 : $0 }, nil, row.member)
            }
        }
        let order = rows.indices.sorted { a, b in
            let (a, b) = (keys[a], keys[b])
            switch (a.number, b.number) {
            case (let x?, let y?) where x != y: return (x < y) != sort.isReversed
            case (_?, nil): return true
            case (nil, _?): return false
            default: break
            }
            switch (a.text, b.text) {
            case (let x?, let y?) where x != y: return (x < y) != sort.isReversed
            case (_?, nil): return true
            case (nil, _?): return false
            default: return a.member < b.member
            }
        }
        return order.map { rows[$0] }
    }

    /// The table of some of the rows.
    ///
    /// - Parameters:
    ///   - shown: Which of them.
    ///   - isSortable: Whether the columns' titles are links that sort.
    ///   - caption: What it is, for those who do not see the page.
    /// - Returns: The table in a region that scrolls by itself.
    func html(_ shown: ArraySlice<MemberRow>, isSortable: Bool, caption: String) -> HTML {
        let goal = opened.goal
        return tag("div", ["class": "scroll", "tabindex": "0", "role": "region", "aria-label": caption]) {
            tag("table", ["class": "members"]) {
                tag("thead") {
                    tag("tr") {
                        title("member", "member", isSortable, .ascending, "n")
                        for column in columns {
                            title(
                                column.key, label(column), isSortable && column != .from,
                                column.isBestFirst(goal) ? .descending : .ascending, column.isText ? nil : "n")
                        }
                    }
                }
                tag("tbody") { for row in shown { self.row(row) } }
            }
        }
    }

    private enum Direction: String { case ascending, descending }

    /// A column's title; `first` is the direction in which its own order goes.
    private func title(
        _ key: String, _ text: String, _ isSortable: Bool, _ first: Direction, _ style: String? = nil
    ) -> HTML {
        let isSorted = isSortable && sort.key == key
        let other: Direction = first == .ascending ? .descending : .ascending
        let direction = isSorted ? (sort.isReversed ? other : first).rawValue : nil
        return tag("th", ["scope": "col", "class": style, "aria-sort": direction]) {
            if isSortable {
                let next = isSorted && !sort.isReversed ? "-\(key)" : key
                tag("a", ["href": opened.options.query(changing: ["sort": next, "after": nil])]) {
                    text
                    if let direction { direction == "ascending" ? " ▲" : " ▼" }
                }
            } else {
                text
            }
        }
    }

    private func row(_ row: MemberRow) -> HTML {
        let isBest = row.member == opened.history.best?.id.member && row.scored?.id == opened.history.best?.id
        let (words, style) = row.state(retries: opened.experiment.retries, isOver: opened.record.state.isOver)
        return tag(
            "tr",
            [
                "id": "m\(row.member)", "data-p": "\(row.piece)", "data-m": "\(row.member)",
                "class": isBest ? "best" : nil,
            ]
        ) {
            tag("th", ["scope": "row", "class": "n"]) {
                tag("a", ["href": Links.member(row.member, of: opened.name)]) { "\(row.member)" }
                if isBest { " ★" }
            }
            for column in columns {
                switch column {
                case .state:
                    tag("td") {
                        tag("span", ["class": "tag \(style)", "title": row.newest.reason.map { PlainText.line($0) }]) {
                            words
                        }
                    }
                case .score: tag("td", ["class": "n"]) { Formatting.score(row.score) }
                case .gain:
                    tag("td", ["class": "n"]) {
                        if let score = row.score, let before = row.before {
                            Formatting.difference(score, before)
                        } else {
                            "–"
                        }
                    }
                case .interval: tag("td", ["class": "n"]) { "\(row.newest.id.index)" }
                case .copies: tag("td", ["class": "n"]) { "\(row.copies)" }
                case .from:
                    tag("td") {
                        if let donor = row.donor { Links.interval(donor, of: opened.name) } else { "founder" }
                    }
                case .hyperparameter, .metric: tag("td", ["class": "n"]) { Formatting.value(column.value(of: row)) }
                }
            }
        }
    }

    /// A column's title.
    private func label(_ column: MemberColumn) -> String {
        func cut(_ name: String) -> String { PlainText.middle(PlainText.line(name), width: 24) }
        return switch column {
        case .score: "\(cut(opened.experiment.objective.metric)) \(Formatting.arrow(opened.goal))"
        case .gain: "Δ"
        case .hyperparameter(let name), .metric(let name): cut(name)
        case .state, .interval, .copies, .from: column.key
        }
    }

    /// Links that show and hide columns, each in the page's address.
    ///
    /// - Parameter isOpen: Whether they can be seen at once.
    /// - Returns: The links, folded unless they are open.
    func picker(isOpen: Bool) -> HTML {
        let shown = Set(columns)
        return tag("details", ["id": "columns", "open": isOpen ? "" : nil]) {
            tag("summary") { "Columns" }
            tag("p", ["class": "options"]) {
                for choice in choices {
                    let isShown = shown.contains(choice)
                    let keys = choices.filter { ($0 == choice) != shown.contains($0) }.map(\.key)
                    tag("a", ["href": opened.options.query(changing: ["columns": keys.joined(separator: ",")])]) {
                        if isShown { tag("b") { "✓ \(label(choice))" } } else { label(choice) }
                        tag("span", ["class": "unseen"]) { isShown ? ", shown" : ", not shown" }
                    }
                }
                if unnamed > 0 { "and \(unnamed) more metrics: &columns=score,m.NAME in the address" }
                if isOpen {
                    tag("a", ["class": "more", "href": opened.options.query(changing: ["columns": nil])]) {
                        "the usual ones"
                    }
                }
            }
        }
    }

    /// The hyperparameters that are the same for all, in one line.
    var note: HTML {
        guard !constants.isEmpty else { return .nothing }
        return tag("p", ["class": "note"]) {
            "The same for all: "
            for (place, constant) in constants.prefix(20).enumerated() {
                if place > 0 { ", " }
                Formatting.name(constant.name, width: 24)
                " "
                Formatting.value(constant.value)
            }
            if constants.count > 20 { ", and \(constants.count - 20) more" }
        }
    }
}
