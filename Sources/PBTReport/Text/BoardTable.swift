// SPDX-License-Identifier: Apache-2.0

import PBT

/// Members as a table, on the terminal of somebody who waits.
package struct BoardTable: Sendable {
    /// The rows that it has, in this order.
    private let rows: [Board.Row]
    private let metric: String
    /// Hyperparameters that no exploit or explore changes.
    private let fixed: Set<String>
    private let glyphs: Glyphs

    /// A table of some of a board's members.
    ///
    /// - Parameters:
    ///   - rows: The members, in the order in which they are shown.
    ///   - board: Where they come from.
    ///   - glyphs: What characters there are.
    package init(_ rows: [Board.Row], of board: Board, glyphs: Glyphs) {
        self.rows = rows
        let experiment = board.record.experiment
        metric = experiment.objective.metric
        fixed = Set(experiment.space.names.filter { experiment.space[$0]?.isMutable == false })
        self.glyphs = glyphs
    }

    /// The line of titles, and a line for each row; none wider than that.
    ///
    /// What does not fit is left out in this order: note, origin, hyperparameters from the last, interval. Member, state
    /// and score stay.
    ///
    /// - Parameter width: How many columns there are.
    /// - Returns: One line more than there are rows.
    package func lines(width: Int) -> [StyledLine] {
        let hyperparameters = HyperparameterColumns(rows.map(\.hyperparameters), last: fixed)
        var table = TextTable(
            [
                .init(""), .init("member", .right), .init("state"), .init("interval", .right, rank: 1),
                .init(PlainText.middle(glyphs.text(metric), width: 20, isASCII: glyphs.isASCII), .right), .init(""),
            ] + hyperparameters.columns(rank: 10, isUppercase: false)
                + [.init("from", rank: .max - 1)]
                // Last, so that it may be left out where there is nothing to say.
                + (rows.contains { !$0.note.isEmpty } ? [.init("note", canShrink: true, rank: .max)] : []))
        let scores = Format.column(rows.map(\.score))
        for (place, row) in rows.enumerated() {
            let trend = row.trend > 0 ? glyphs.up : row.trend < 0 ? glyphs.down : ""
            table.append(
                [glyphs.mark(of: row), "\(row.member)", row.state, "\(row.index)", scores[place], trend]
                    + hyperparameters.cells[place].map { glyphs.text($0) } + [
                        row.origin, glyphs.text(PlainText.line(row.note)),
                    ])
        }
        let lines = table.text(width: width, isASCII: glyphs.isASCII)
            .split(separator: "\n", omittingEmptySubsequences: false).dropLast()
        return lines.enumerated().map { place, line in
            StyledLine(String(line), place == 0 ? .dim : Self.style(of: rows[place - 1]))
                .clipped(to: width, isASCII: glyphs.isASCII)
        }
    }

    private static func style(of row: Board.Row) -> TextStyle? {
        switch row.problem {
        case .failed, .retrying: .red
        case .stalled: .yellow
        case nil: row.isBest ? .magenta : nil
        }
    }
}

/// The characters beyond letters that are shown, or what stands for them in ASCII.
package struct Glyphs: Sendable, Hashable {
    /// Whether only ASCII may be shown.
    package let isASCII: Bool

    /// The characters of a terminal.
    package init(isASCII: Bool) {
        self.isASCII = isASCII
    }

    /// The best.
    package var best: String { isASCII ? "*" : "★" }
    /// A failure.
    package var failed: String { isASCII ? "x" : "×" }
    /// What needs attention.
    package var stalled: String { "!" }
    /// Better than before.
    package var up: String { isASCII ? "^" : "▲" }
    /// Worse than before.
    package var down: String { isASCII ? "v" : "▼" }
    /// Done.
    package var done: String { isASCII ? "+" : "✓" }
    /// From a donor.
    package var from: String { isASCII ? "<-" : "←" }
    /// A part of a bar that is filled.
    package var full: String { isASCII ? "#" : "━" }
    /// A part of a bar that is not.
    package var rest: String { isASCII ? "-" : "─" }

    /// The text, with characters that ASCII does not have replaced by like ones where only those may be shown.
    package func text(_ text: String) -> String {
        guard isASCII else { return text }
        return String(
            text.map { character in
                switch character {
                case "×": "x"
                case "±", "…": "~"
                case "★": best.first ?? character
                case "▲": up.first ?? character
                case "▼": down.first ?? character
                case "→": ">"
                case _ where !character.isASCII: "?"
                default: character
                }
            })
    }

    func mark(of row: Board.Row) -> String {
        switch row.problem {
        case .failed, .retrying: failed
        case .stalled: stalled
        case nil: row.isBest ? best : ""
        }
    }
}
