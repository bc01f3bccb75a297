// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTReport

/// The screen of `pbt watch`, and the keys that change it.
///
/// It does no I/O.
struct WatchPage: Sendable {
    /// The view of an experiment.
    enum View: Sendable, Hashable {
        case members, lineage, schedule, errors
    }

    /// The order of the members.
    enum Order: String, Sendable, CaseIterable {
        case score, member, state
    }

    /// The location of the store.
    let place: String
    /// The experiments of the store.
    var records: [ExperimentRecord] = []
    /// The open experiment, as last read.
    var history: History?
    /// The progress within the running intervals of the open experiment.
    var progress: [IntervalID: TrainerProgress] = [:]
    /// The error that keeps the store from being read.
    var problem: String?
    /// A notice that is shown until the next key.
    var notice: String?
    /// The open experiment; nil for the list.
    private(set) var experiment: String?
    private var view = View.members
    private var order = Order.score
    private var filter = ""
    private var isTyping = false
    private var showsHelp = false
    /// The selections in the list and among the members: by name, so that a new order does not change them.
    private var selectedExperiment: String?
    private var selectedMember: Int?
    /// The first visible row.
    private var offset = 0
    /// The number of rows of a page.
    private var rows = 10

    /// Creates the list of a store's experiments.
    init(place: String) {
        self.place = place
    }

    /// Opens an experiment.
    mutating func open(_ name: String) {
        experiment = name
        selectedExperiment = name
        (view, selectedMember, offset, filter) = (.members, nil, 0, "")
    }

    /// Goes back to the list.
    mutating func close() {
        (experiment, history, filter, offset) = (nil, nil, "", 0)
    }

    // MARK: Keys

    /// Handles a key, and returns true if it quits.
    mutating func press(_ key: Key) -> Bool {
        notice = nil
        if isTyping {
            type(key)
            return false
        }
        if showsHelp {
            showsHelp = false
            return key == .character("q")
        }
        switch key {
        case .character("q"): return true
        case .character("?"): showsHelp = true
        case .character("j"), .down: move(by: 1)
        case .character("k"), .up: move(by: -1)
        case .pageDown, .character(" "): move(by: max(1, rows - 1))
        case .pageUp: move(by: -max(1, rows - 1))
        case .home, .character("g"): move(by: -.max / 2)
        case .end, .character("G"): move(by: .max / 2)
        case .character("/"), .character("f"): (isTyping, offset) = (true, 0)
        case .character("s") where view == .members && experiment != nil:
            let all = Order.allCases
            order = all[((all.firstIndex(of: order) ?? 0) + 1) % all.count]
        case .character("l"): show(.lineage)
        case .character("h"): show(.schedule)
        case .character("e"): show(.errors)
        case .enter, .right: enter()
        case .escape, .left, .backspace: back()
        default: break
        }
        return false
    }

    private mutating func type(_ key: Key) {
        switch key {
        case .character(let character): filter.append(character)
        case .backspace: filter = String(filter.dropLast())
        case .enter: isTyping = false
        case .escape: (isTyping, filter) = (false, "")
        default: break
        }
    }

    private mutating func show(_ view: View) {
        guard experiment != nil else { return }
        self.view = self.view == view ? .members : view
        offset = 0
    }

    private mutating func enter() {
        if experiment != nil {
            if view == .members { show(.lineage) }
        } else if let name = selectedRecord?.experiment.name {
            open(name)
        }
    }

    private mutating func back() {
        if !filter.isEmpty {
            filter = ""
        } else if view != .members {
            (view, offset) = (.members, 0)
        } else {
            close()
        }
    }

    private mutating func move(by step: Int) {
        if experiment == nil {
            let names = shownRecords.map(\.experiment.name)
            selectedExperiment = Self.moved(selectedExperiment, by: step, among: names)
        } else if view == .members {
            selectedMember = Self.moved(selectedMember, by: step, among: leaderboard(at: nil)?.map(\.member) ?? [])
        } else {
            offset = max(0, offset + step)
        }
    }

    private static func moved<Name: Hashable>(_ name: Name?, by step: Int, among names: [Name]) -> Name? {
        guard !names.isEmpty else { return nil }
        let place = name.flatMap { names.firstIndex(of: $0) } ?? 0
        return names[min(names.count - 1, max(0, place + step))]
    }

    // MARK: What is shown

    private var shownRecords: [ExperimentRecord] {
        // The newest first: the most recent experiment is the one that matters most.
        records.reversed().filter { filter.isEmpty || $0.experiment.name.lowercased().contains(filter.lowercased()) }
    }

    private var selectedRecord: ExperimentRecord? {
        shownRecords.first { $0.experiment.name == selectedExperiment } ?? shownRecords.first
    }

    /// Returns the filtered members in their order.
    private func leaderboard(at now: Timestamp?) -> [Leaderboard.Row]? {
        guard let history else { return nil }
        var leaderboard = Leaderboard(history, now: now ?? StoreClock.system.now())
        leaderboard.set(progress)
        let rows = leaderboard.rows.filter { row in
            filter.isEmpty || "\(row.member)" == filter || row.status.word.contains(filter.lowercased())
                || row.origin.contains(filter)
        }
        switch order {
        case .score: return rows
        case .member: return rows.sorted { $0.member < $1.member }
        case .state:
            return rows.sorted {
                ($0.status.isProblem ? 0 : 1, $0.status.word, $0.member) < (
                    $1.status.isProblem ? 0 : 1, $1.status.word, $1.member
                )
            }
        }
    }

    /// Returns the screen.
    ///
    /// - Parameters:
    ///   - width: The number of columns.
    ///   - height: The number of rows.
    ///   - now: The current time.
    /// - Returns: A line for each row, the last one with the keys.
    mutating func lines(width: Int, height: Int, now: Timestamp) -> [StyledLine] {
        var top: [StyledLine]
        var body: [StyledLine]
        var selected: Int?
        var hints: [String]
        if showsHelp {
            (top, body, hints) = ([StyledLine("pbt watch", .bold), ""], Self.help, ["any key: back"])
        } else if experiment == nil {
            (top, body, selected) = list(width, now)
            hints = ["q quit", "? help", "j/k move", "Enter open", "/ filter"]
        } else {
            (top, body, selected) = opened(width, now)
            hints =
                view == .members
                ? [
                    "q quit", "? help", "j/k move", "l lineage", "h schedule", "e errors", "s sort: \(order.rawValue)",
                    "/ filter", "Esc list",
                ] : ["q quit", "? help", "j/k scroll", "Esc members", "l lineage", "h schedule", "e errors"]
        }
        rows = max(1, height - top.count - 1)
        if let selected {
            offset = min(max(offset, selected - rows + 1), selected)
        }
        offset = max(0, min(offset, body.count - rows))
        var lines = top + body.dropFirst(offset).prefix(rows)
        lines = Array(lines.prefix(max(0, height - 1)))
        while lines.count < height - 1 { lines.append("") }
        return lines + [bottom(hints, hidden: body.count - offset - rows, width)]
    }

    private func bottom(_ hints: [String], hidden: Int, _ width: Int) -> StyledLine {
        if isTyping { return StyledLine("filter: \(filter)_  (Enter: keep, Esc: clear)", .bold) }
        if let problem { return StyledLine("not up to date: \(problem)", .yellow) }
        if let notice { return StyledLine(notice, .bold) }
        var parts: [(String, TextStyle?)] = []
        if !filter.isEmpty { parts.append(("filter \"\(filter)\", Esc clears it", .bold)) }
        if hidden > 0 { parts.append(("\(hidden) more below", nil)) }
        return StyledLine.joined(parts + hints.map { ($0, .dim) }, width: width)
    }

    private static let help: [StyledLine] = [
        "j, k, arrows     move or scroll; Space and Page Up by a page, g and G to the top and bottom",
        "Enter            open the experiment, or the lineage of a member",
        "Esc              back: clear the filter, close a view, return to the list",
        "/, f             filter: experiments by name; members by number, state or donor",
        "s                sort members by score, number, or state (problems first)",
        "l                lineage: the member's ancestry",
        "h                schedule: the hyperparameters along its lineage",
        "e                errors: intervals that failed, diverged, or are retried",
        "q, Ctrl-C        quit; training continues elsewhere",
        "",
        "★ best  ! no heartbeat  × failed  ▲ ▼ better or worse than before",
    ].map { (line: StyledLine) in StyledLine(Terminal.output.glyphs.text(line.plain)) }

    private func list(_ width: Int, _ now: Timestamp) -> ([StyledLine], [StyledLine], Int?) {
        let records = shownRecords
        var top = [StyledLine("pbt  \(place)", .bold), ""]
        guard !records.isEmpty else {
            return (
                top,
                [
                    filter.isEmpty
                        ? "no experiments yet; start one with: \(Hint.aboutCurrentStore("run", "FILE"))"
                        : "no matching experiments"
                ], nil
            )
        }
        let lines = ListText(records, among: self.records, now: now).lines(width: width)
        top.append(lines[0])
        let place = records.firstIndex { $0.experiment.name == selectedRecord?.experiment.name }
        return (top, Self.marked(Array(lines.dropFirst()), place, width), place)
    }

    private func opened(_ width: Int, _ now: Timestamp) -> ([StyledLine], [StyledLine], Int?) {
        guard let history else { return ([StyledLine(experiment ?? "", .bold)], ["loading"], nil) }
        var leaderboard = Leaderboard(history, now: now)
        leaderboard.set(progress)
        let record = history.record
        let elapsed = (record.ended ?? now).since(record.created).seconds
        let planned = record.state.isOver ? record.intervalsFinished : record.intervalsPlanned
        let details = [
            record.state == .paused ? "" : record.state.rawValue,
            record.experiment.kind == .populationBasedTraining
                ? "PBT \(record.experiment.exploit.words)" : record.experiment.kind.words,
            Words.count(record.experiment.population, "member"), "seed \(Int64(bitPattern: record.experiment.seed))",
        ]
        let glyphs = Terminal.output.glyphs
        var top = LiveBlock(
            leaderboard, pace: .init(finished: record.intervalsFinished, planned: planned, elapsed: elapsed, left: nil),
            details: details.filter { !$0.isEmpty }, hints: [], glyphs: glyphs
        ).summary(width: width)
        top.append("")
        let rows = self.leaderboard(at: now) ?? []
        let member = rows.first { $0.member == selectedMember } ?? rows.first
        switch view {
        case .members:
            guard !rows.isEmpty else {
                return (top, [filter.isEmpty ? "no members yet" : "no members match"], nil)
            }
            let lines = LeaderboardTable(rows, of: leaderboard, glyphs: glyphs).lines(width: width)
            let place = rows.firstIndex { $0.member == member?.member }
            return (top + [lines[0]], Self.marked(Array(lines.dropFirst()), place, width), place)
        case .lineage:
            guard let tip = member?.shown.id else { return (top, ["no members yet"], nil) }
            let text = LineageText(history, of: tip)
            top.append(StyledLine("Lineage of \(tip)", .bold))
            return (top, Self.lines(of: text.table, width) + text.notes.map { StyledLine($0) }, nil)
        case .schedule:
            guard let tip = member?.shown.id else { return (top, ["no members yet"], nil) }
            let text = ScheduleText(history.lineage(of: tip), of: history.record.experiment.space)
            top.append(StyledLine("Schedule of \(tip)", .bold))
            let constants = text.constants.isEmpty ? [] : [StyledLine("Constant: \(text.constants)")]
            return (top, Self.lines(of: text.table, width) + constants, nil)
        case .errors:
            top.append(StyledLine("Failures", .bold))
            return (top, errors(history, width), nil)
        }
    }

    /// Returns the intervals with failed attempts, newest first.
    private func errors(_ history: History, _ width: Int) -> [StyledLine] {
        let failed = history.genealogy.intervals
            .filter { $0.failures > 0 || $0.state == .diverged || $0.state == .failed }
            .sorted { ($0.started ?? $0.created, $0.id) > ($1.started ?? $1.created, $1.id) }
        guard !failed.isEmpty else { return ["no failures"] }
        var table = TextTable([
            .init("INTERVAL", .right), .init("STATE"), .init("FAILURES", .right, rank: 1),
            .init("REASON", canShrink: true),
        ])
        for interval in failed {
            table.append(["\(interval.id)", interval.state.rawValue, "\(interval.failures)", interval.reason ?? ""])
        }
        return Self.lines(of: table, width)
    }

    private static func lines(of table: TextTable, _ width: Int) -> [StyledLine] {
        let terminal = Terminal.output
        return table.text(width: width, isASCII: !terminal.isUTF8)
            .split(separator: "\n", omittingEmptySubsequences: false).dropLast().enumerated()
            .map { StyledLine(terminal.glyphs.text(String($1)), $0 == 0 ? .dim : nil) }
    }

    /// Returns the lines with the selected one highlighted.
    private static func marked(_ lines: [StyledLine], _ place: Int?, _ width: Int) -> [StyledLine] {
        lines.enumerated().map { row, line in
            guard row == place else { return line }
            let text = line.plain
            return StyledLine(
                text + String(repeating: " ", count: max(0, width - PlainText.columns(of: text))), .reverse)
        }
    }
}
