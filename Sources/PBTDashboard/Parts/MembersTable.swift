// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTReport

/// A table of members with the columns and the order that a page's URL asks for.
struct MembersTable {
    let experiment: ExperimentContext
    /// The rows, in order.
    let rows: [MemberRow]
    /// The columns next to the member's number, from left to right.
    let columns: [MemberColumn]
    /// The columns that can be selected: the first ``metricLimit`` metrics, and selected ones.
    let choices: [MemberColumn]
    /// The number of metrics that are not among the choices.
    private let omittedMetrics: Int
    /// The number of metrics among the choices.
    private static let metricLimit = 50
    /// The hyperparameters that all members share and that have no column.
    let constants: [(name: String, value: Value?)]
    private let sort: Sort

    /// The order of the rows.
    struct Sort: Hashable {
        /// `member`, or the key of a ``MemberColumn``.
        var key = "score"
        var isReversed = false

        /// Parses `score` or `-score`; the default for an empty text.
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
    ///   - experiment: The members' experiment, with the page's options.
    ///   - rows: The members.
    ///   - all: All members of the experiment, which determine the columns; nil when `rows` has them all.
    ///   - selected: The keys of the columns, separated by commas; nil for the default columns.
    init(
        _ experiment: ExperimentContext, rows: [MemberRow], of all: [MemberRow]? = nil, columns selected: String? = nil
    ) {
        self.experiment = experiment
        sort = Sort(experiment.options["sort"])
        let members = all ?? rows
        func isSame(_ name: String) -> Bool {
            let first = members.first?.newest.hyperparameters[name]
            return members.allSatisfy { $0.newest.hyperparameters[name] == first }
        }
        let names = experiment.definition.space.ordered(Set(members.flatMap { $0.newest.hyperparameters.values.keys }))
        var metrics = Set(members.flatMap { $0.scored?.metrics.keys.map(\.self) ?? [] })
        // It is the score, which has its own column.
        metrics.remove(experiment.definition.objective.metric)
        let keys = selected.map { Set($0.split(separator: ",").map(String.init)) }
        let reported = metrics.sorted().map { MemberColumn.metric($0) }
        let offered = Set(reported.prefix(Self.metricLimit)).union(reported.filter { keys?.contains($0.key) ?? false })
        omittedMetrics = reported.count - offered.count
        choices =
            [.state, .score, .gain, .interval] + names.map { .hyperparameter($0) } + reported.filter(offered.contains)
            + [.copies, .from]
        if let keys {
            columns = choices.filter { keys.contains($0.key) }
        } else {
            let varying = names.filter { !isSame($0) }
            let shown = Set(varying.isEmpty ? names : varying)
            columns = choices.filter { choice in
                switch choice {
                case .hyperparameter(let name): shown.contains(name)
                case .metric: false
                default: true
                }
            }
        }
        let shown = Set(columns)
        constants = names.filter { !shown.contains(.hyperparameter($0)) && isSame($0) }
            .map { ($0, members.first?.newest.hyperparameters[$0]) }
        self.rows = Self.sorted(rows, by: sort, goal: experiment.goal)
    }

    /// Returns the rows in order; rows without a value come last in either direction.
    private static func sorted(_ rows: [MemberRow], by sort: Sort, goal: Objective.Goal) -> [MemberRow] {
        let keys: [(number: Double?, text: String?, member: Int)] = rows.map { row in
            switch sort.key {
            case "member": (Double(row.member), nil, row.member)
            case "gain": (row.gain.map { goal == .maximize ? -$0 : $0 }, nil, row.member)
            case "interval": (-Double(row.newest.id.index), nil, row.member)
            case "copies": (-Double(row.copies), nil, row.member)
            case "state": (nil, row.status.word, row.member)
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

    /// Returns the table of some of the rows.
    ///
    /// - Parameters:
    ///   - shown: The rows.
    ///   - isSortable: Whether the columns' titles are links that sort.
    ///   - caption: The table's name for screen readers.
    /// - Returns: The table in a region that scrolls by itself.
    func html(_ shown: ArraySlice<MemberRow>, isSortable: Bool, caption: String) -> HTML {
        let goal = experiment.goal
        let headings = columns.map { column in
            heading(
                column.key, label(column), isSortable && column != .from,
                column.isBestFirst(goal) ? .descending : .ascending, column.isText ? nil : "n")
        }
        return scrollRegion(caption) {
            table([heading("member", "member", isSortable, .ascending, "n")] + headings, class: "members") {
                for row in shown { self.row(row) }
            }
        }
    }

    /// Returns a column's heading; `first` is the direction of its default order.
    private func heading(
        _ key: String, _ text: String, _ isSortable: Bool, _ first: ColumnHeading.Order, _ style: String?
    ) -> ColumnHeading {
        guard isSortable else { return ColumnHeading(HTML(text), class: style) }
        let isSorted = sort.key == key
        let other: ColumnHeading.Order = first == .ascending ? .descending : .ascending
        let order = isSorted ? (sort.isReversed ? other : first) : nil
        let next = isSorted && !sort.isReversed ? "-\(key)" : key
        let link = tag("a", ["href": experiment.options.query(changing: ["sort": next, "after": nil])]) {
            text
            if let order { order == .ascending ? " ▲" : " ▼" }
        }
        return ColumnHeading(link, class: style, order: order)
    }

    private func row(_ row: MemberRow) -> HTML {
        let isBest = row.member == experiment.history.best?.id.member && row.scored?.id == experiment.history.best?.id
        return tag(
            "tr",
            [
                "id": "m\(row.member)", "data-p": "\(row.piece)", "data-m": "\(row.member)",
                "class": isBest ? "best" : nil,
            ]
        ) {
            tag("th", ["scope": "row", "class": "n"]) {
                tag("a", ["href": Links.member(row.member, of: experiment.name)]) { "\(row.member)" }
                if isBest { " ★" }
            }
            for column in columns {
                switch column {
                case .state:
                    tag("td") { StateTag.member(row.status, title: row.newest.reason) }
                case .score: tag("td", ["class": "n"]) { Formatting.score(row.score) }
                case .gain:
                    tag("td", ["class": "n"]) {
                        if let score = row.score, let previous = row.previousScore {
                            Formatting.difference(score, previous)
                        } else {
                            "–"
                        }
                    }
                case .interval: tag("td", ["class": "n"]) { "\(row.newest.id.index)" }
                case .copies: tag("td", ["class": "n"]) { "\(row.copies)" }
                case .from:
                    tag("td") {
                        if let donor = row.donor { Links.interval(donor, of: experiment.name) } else { "founder" }
                    }
                case .hyperparameter, .metric: tag("td", ["class": "n"]) { Formatting.value(column.value(of: row)) }
                }
            }
        }
    }

    /// Returns a column's title.
    private func label(_ column: MemberColumn) -> String {
        func cut(_ name: String) -> String { PlainText.middle(PlainText.line(name), width: 24) }
        return switch column {
        case .score: "\(cut(experiment.definition.objective.metric)) \(Formatting.arrow(experiment.goal))"
        case .gain: "Δ"
        case .hyperparameter(let name), .metric(let name): cut(name)
        case .state, .interval, .copies, .from: column.key
        }
    }

    /// Returns links that show and hide columns.
    ///
    /// - Parameter isOpen: Whether the section is unfolded.
    /// - Returns: The section.
    func picker(isOpen: Bool) -> HTML {
        let shown = Set(columns)
        return tag("details", ["id": "columns", "open": isOpen ? "" : nil]) {
            tag("summary") { "Columns" }
            tag("p", ["class": "options"]) {
                for choice in choices {
                    let isShown = shown.contains(choice)
                    let keys = choices.filter { ($0 == choice) != shown.contains($0) }.map(\.key)
                    tag("a", ["href": experiment.options.query(changing: ["columns": keys.joined(separator: ",")])]) {
                        if isShown { tag("b") { "✓ \(label(choice))" } } else { label(choice) }
                        tag("span", ["class": "unseen"]) { isShown ? ", shown" : ", not shown" }
                    }
                }
                if omittedMetrics > 0 { "and \(omittedMetrics) more metrics: &columns=score,m.NAME in the URL" }
                if isOpen {
                    tag("a", ["class": "more", "href": experiment.options.query(changing: ["columns": nil])]) {
                        "reset columns"
                    }
                }
            }
        }
    }

    /// The hyperparameters that all members share, in one line.
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
