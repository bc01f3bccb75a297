// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTReport

/// Members in the order that a page's address asks for.
struct MembersTable {
    let opened: Opened
    /// The rows, in order.
    let rows: [MemberRow]
    /// The hyperparameters that are not the same for all; columns.
    let varying: [String]
    /// Those that are the same for all.
    let constants: [(name: String, value: Value?)]
    private let sort: Sort

    /// What rows are ordered by.
    struct Sort: Hashable {
        /// `member`, `score`, `gain`, `interval`, `copies`, `state`, or `h.NAME`.
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

    init(_ opened: Opened, rows: [MemberRow]) {
        self.opened = opened
        sort = Sort(opened.options["sort"])
        let names = Set(rows.flatMap { $0.newest.hyperparameters.values.keys }).sorted()
        let showsAll = opened.options["constants"] == "1"
        let varying = names.filter { name in
            let first = rows.first?.newest.hyperparameters[name]
            return rows.contains { $0.newest.hyperparameters[name] != first }
        }
        let columns = showsAll || varying.isEmpty ? names : varying
        self.varying = columns
        constants = names.filter { !columns.contains($0) }.map { ($0, rows.first?.newest.hyperparameters[$0]) }
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
            case let key where key.hasPrefix("h."):
                {
                    let value = row.newest.hyperparameters[String(key.dropFirst(2))]
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
                        title("state", "state", isSortable, .ascending)
                        title(
                            "score",
                            "\(PlainText.middle(PlainText.line(opened.experiment.objective.metric), width: 24)) \(Shown.arrow(goal))",
                            isSortable, goal == .maximize ? .descending : .ascending, "n")
                        title("gain", "Δ", isSortable, goal == .maximize ? .descending : .ascending, "n")
                        title("interval", "interval", isSortable, .descending, "n")
                        for name in varying {
                            title(
                                "h.\(name)", PlainText.middle(PlainText.line(name), width: 24), isSortable, .ascending,
                                "n")
                        }
                        title("copies", "copies", isSortable, .descending, "n")
                        tag("th", ["scope": "col"]) { "from" }
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
            tag("td") {
                tag("span", ["class": "tag \(style)", "title": row.newest.reason.map { PlainText.line($0) }]) { words }
            }
            tag("td", ["class": "n"]) { Shown.score(row.score) }
            tag("td", ["class": "n"]) {
                if let score = row.score, let before = row.before { Shown.difference(score, before) } else { "–" }
            }
            tag("td", ["class": "n"]) { "\(row.newest.id.index)" }
            for name in varying {
                tag("td", ["class": "n"]) { Shown.value(row.newest.hyperparameters[name]) }
            }
            tag("td", ["class": "n"]) { "\(row.copies)" }
            tag("td") {
                if let donor = row.donor { Links.interval(donor, of: opened.name) } else { "founder" }
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
                Shown.name(constant.name, width: 24)
                " "
                Shown.value(constant.value)
            }
            if constants.count > 20 { ", and \(constants.count - 20) more" }
        }
    }
}
