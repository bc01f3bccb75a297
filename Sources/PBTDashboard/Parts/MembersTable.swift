// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTReport

/// A table of members or intervals with the columns and the order that a page's URL asks for.
struct MembersTable {
    let experiment: ExperimentContext
    /// The rows, in order.
    let rows: [MemberRow]
    /// The first column, which names the row.
    let first: MemberColumn
    /// The columns next to the first one, from left to right.
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

    /// A table of members or intervals.
    ///
    /// - Parameters:
    ///   - experiment: Their experiment, with the page's options.
    ///   - rows: The rows.
    ///   - all: All rows of the experiment, which determine the columns; nil when `rows` has them all.
    ///   - columnNames: The names of the columns; nil for those of the rows.
    ///   - selected: The keys of the columns, separated by commas; nil for the default columns.
    /// - Throws: A `PBTError` with code `badRequest` for a column that does not exist.
    init(
        _ experiment: ExperimentContext, rows: [MemberRow], of all: [MemberRow]? = nil,
        names columnNames: ColumnNames? = nil, columns selected: String? = nil
    ) throws {
        self.experiment = experiment
        let members = all ?? rows
        let isOfIntervals = members.first?.isInterval ?? false
        first = experiment.hasJobs || isOfIntervals ? .id : .member
        sort = Sort(experiment.options["sort"])
        func isSame(_ name: String) -> Bool {
            let first = members.first?.newest.hyperparameters[name]
            return members.allSatisfy { $0.newest.hyperparameters[name] == first }
        }
        let columnNames = columnNames ?? ColumnNames(members, of: experiment.definition)
        let names = columnNames.hyperparameters
        let keys = selected.map { $0.split(separator: ",").map(String.init) }
        try Self.check(keys ?? [], "columns", columnNames)
        try Self.check([sort.key], "sort", columnNames)
        let reported = columnNames.metrics.map { MemberColumn.metric($0) }
        let offered = Set(reported.prefix(Self.metricLimit)).union(reported.filter { keys?.contains($0.key) ?? false })
        omittedMetrics = reported.count - offered.count
        choices =
            (first == .id ? [.member] : []) + [.state, .score, .gain, .interval] + names.map { .hyperparameter($0) }
            + reported.filter(offered.contains) + [.copies, .from, .modified]
        if let keys {
            columns = choices.filter { keys.contains($0.key) }
        } else {
            let varying = names.filter { !isSame($0) }
            let hidden = Self.hidden(experiment, isOfIntervals: isOfIntervals, reported)
            let shown = Set(varying.isEmpty ? names : varying)
            columns = choices.filter { choice in
                if case .hyperparameter(let name) = choice { return shown.contains(name) }
                return !hidden.contains(choice)
            }
        }
        let shown = Set(columns)
        constants = names.filter { !shown.contains(.hyperparameter($0)) && isSame($0) }
            .map { ($0, members.first?.newest.hyperparameters[$0]) }
        self.rows = Self.sorted(rows, by: sort, goal: experiment.goal)
    }

    /// The maximum number of results that are shown by default in an experiment of a client.
    private static let results = 8

    /// Returns the columns that are hidden by default: metrics, except for a client's jobs; what is the same for all
    /// rows without copies; and what the id already says.
    private static func hidden(
        _ experiment: ExperimentContext, isOfIntervals: Bool, _ metrics: [MemberColumn]
    ) -> Set<MemberColumn> {
        var hidden = Set(experiment.hasJobs ? metrics.dropFirst(results) : metrics[...])
        if !experiment.hasJobs, !isOfIntervals { hidden.insert(.modified) }
        if !experiment.hasJobs, isOfIntervals { hidden.formUnion([.member, .interval]) }
        if experiment.hasJobs, experiment.definition.kind != .populationBasedTraining {
            hidden.formUnion([.member, .gain, .interval, .copies, .from])
        }
        return hidden
    }

    /// Checks that columns exist.
    ///
    /// - Throws: A `PBTError` with code `badRequest` that names the parameter and the column.
    private static func check(_ keys: [String], _ parameter: String, _ names: ColumnNames) throws {
        for key in keys {
            if let column = MemberColumn(key: key), names.contains(column) { continue }
            let shown = PlainText.line(String(key.prefix(60)))
            // The key of a metric or a hyperparameter has a prefix.
            let near = names.column(key).map { "; did you mean \"\($0.key)\"?" } ?? names.advice(for: key)
            throw PBTError(
                .badRequest,
                "?\(parameter)= names no column: \"\(shown)\"\(near) (hyperparameters are h.NAME, metrics m.NAME)")
        }
    }

    /// Returns the rows in order; rows without a value come last in either direction.
    private static func sorted(_ rows: [MemberRow], by sort: Sort, goal: Objective.Goal) -> [MemberRow] {
        let column = MemberColumn(key: sort.key) ?? .score
        let keys: [(number: Double?, text: String?)] = rows.enumerated().map { place, row in
            switch column {
            case .id: row.newest.label.map { (nil, $0) } ?? (Double(place), nil)
            case .state: (nil, row.status.word)
            case .from: (row.donor.map { Double($0.member) }, nil)
            case .modified: (-Double(row.newest.modified.milliseconds), nil)
            case .interval, .copies: (column.number(of: row).map { -$0 }, nil)
            case .score, .gain: (column.number(of: row).map { goal == .maximize ? -$0 : $0 }, nil)
            case .member: (Double(row.member), nil)
            case .hyperparameter, .metric:
                {
                    let value = column.value(of: row)
                    return value?.double.map { ($0.isFinite ? $0 : nil, nil) } ?? (nil, value.map { Format.value($0) })
                }()
            }
        }
        let order = rows.indices.sorted { i, j in
            let (a, b) = (keys[i], keys[j])
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
            default: return rows[i].newest.id < rows[j].newest.id
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
    ///   - selection: Whether rows of jobs have checkboxes, and whether these are ticked; nil for none.
    /// - Returns: The table in a region that scrolls by itself.
    func html(_ shown: ArraySlice<MemberRow>, isSortable: Bool, caption: String, selection: Bool? = nil) -> HTML {
        let goal = experiment.goal
        let headings = columns.map { column in
            heading(
                column.key, label(column), isSortable,
                column.isBestFirst(goal) ? .descending : .ascending, column.isText ? nil : "n")
        }
        return scrollRegion(caption) {
            table(
                (selection == nil ? [] : [ColumnHeading(tag("span", ["class": "unseen"]) { "select" })])
                    + [heading(first.key, label(first), isSortable, .ascending, first.isText ? nil : "n")] + headings,
                class: "members"
            ) {
                for row in shown { self.row(row, selection) }
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
        let link = tag("a", ["href": experiment.options.query(changing: ["sort": next, "page": nil])]) {
            text
            if let order { order == .ascending ? " ▲" : " ▼" }
        }
        return ColumnHeading(link, class: style, order: order)
    }

    private func row(_ row: MemberRow, _ selection: Bool?) -> HTML {
        let isBest = row.scored != nil && row.scored?.id == experiment.history.best?.id
        let id = row.newest.id
        return tag(
            "tr",
            [
                "id": row.isInterval ? "i\(id.member)-\(id.index)" : "m\(row.member)", "data-p": "\(row.piece)",
                "data-m": row.isInterval ? "\(id)" : "\(row.member)", "class": isBest ? "best" : nil,
            ]
        ) {
            if let selection { tag("td") { checkbox(row.newest, isTicked: selection) } }
            tag("th", ["scope": "row", "class": first.isText ? nil : "n"]) {
                tag(
                    "a",
                    ["href": Links.member(row.member, of: experiment.name, interval: row.isInterval ? id.index : nil)]
                ) {
                    if first == .id { Formatting.name(row.newest.jobID, width: 24) } else { "\(row.member)" }
                }
                if isBest { " ★" }
            }
            for column in columns {
                switch column {
                case .id: tag("td") { Formatting.name(row.newest.jobID, width: 24) }
                case .member:
                    tag("td", ["class": "n"]) {
                        tag("a", ["href": Links.member(row.member, of: experiment.name)]) { "\(row.member)" }
                    }
                case .modified: tag("td") { Formatting.ago(row.newest.modified, now: experiment.now) }
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

    /// Returns the checkbox of a job; nothing for an interval without one.
    private func checkbox(_ interval: Interval, isTicked: Bool) -> HTML {
        guard let job = interval.label else { return .nothing }
        return void(
            "input",
            [
                "type": "checkbox", "name": "job", "value": job, "checked": isTicked ? "" : nil,
                "aria-label": "select job \(PlainText.middle(PlainText.line(job), width: 60))",
            ])
    }

    /// Returns a column's title.
    private func label(_ column: MemberColumn) -> String {
        func cut(_ name: String) -> String { PlainText.middle(PlainText.line(name), width: 24) }
        return switch column {
        case .score: "\(cut(experiment.definition.objective.metric)) \(Formatting.arrow(experiment.goal))"
        case .gain: "Δ"
        case .hyperparameter(let name), .metric(let name): cut(name)
        case .id: experiment.hasJobs ? "job" : "id"
        case .member, .state, .interval, .copies, .from, .modified: column.key
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
