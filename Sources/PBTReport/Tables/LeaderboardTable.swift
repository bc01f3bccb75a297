// SPDX-License-Identifier: Apache-2.0

import PBT

/// The members of a leaderboard as a table for a terminal.
package struct LeaderboardTable: Sendable {
    /// The rows, in display order.
    private let rows: [Leaderboard.Row]
    private let metric: String
    /// The hyperparameters that are never changed by exploit or explore.
    private let fixed: Set<String>
    private let space: SearchSpace
    private let glyphs: Glyphs

    /// Creates a table of some of a leaderboard's members.
    ///
    /// - Parameters:
    ///   - rows: The members, in the order in which they are shown.
    ///   - leaderboard: The leaderboard that they are from.
    ///   - glyphs: The characters of the terminal.
    package init(_ rows: [Leaderboard.Row], of leaderboard: Leaderboard, glyphs: Glyphs) {
        self.rows = rows
        let experiment = leaderboard.record.experiment
        metric = experiment.objective.isDeclared ? experiment.objective.metric : "score"
        fixed = Set(experiment.space.names.filter { experiment.space[$0]?.isMutable == false })
        space = experiment.space
        self.glyphs = glyphs
    }

    /// Returns the header line and a line for each row, none wider than a number of columns.
    ///
    /// Columns that do not fit are omitted in this order: note, origin, hyperparameters from the last, interval.
    /// Member, state and score stay.
    ///
    /// - Parameter width: The number of columns.
    /// - Returns: One line more than there are rows.
    package func lines(width: Int) -> [StyledLine] {
        let hyperparameters = HyperparameterColumns(rows.map(\.hyperparameters), of: space, last: fixed)
        var table = TextTable(
            [
                .init(""), .init("member", .right), .init("state"), .init("interval", .right, rank: 1),
                .init(PlainText.middle(glyphs.text(metric), width: 20, isASCII: glyphs.isASCII), .right), .init(""),
            ] + hyperparameters.columns(rank: 10, isUppercase: false)
                + [.init("from", rank: .max - 1)]
                // Last, so that it can be omitted when all notes are empty.
                + (rows.contains { !$0.note.isEmpty } ? [.init("note", canShrink: true, rank: .max)] : []))
        let scores = Format.column(rows.map(\.score))
        for (place, row) in rows.enumerated() {
            let trend = row.trend > 0 ? glyphs.up : row.trend < 0 ? glyphs.down : ""
            table.append(
                [mark(of: row), "\(row.member)", row.word, "\(row.index)", scores[place], trend]
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

    private func mark(of row: Leaderboard.Row) -> String {
        let mark = row.status.mark
        return mark.isEmpty ? (row.isBest ? glyphs.best : "") : glyphs.text(mark)
    }

    private static func style(of row: Leaderboard.Row) -> TextStyle? {
        switch row.status {
        case .stalled: .yellow
        case _ where row.status.isProblem: .red
        default: row.isBest ? .magenta : nil
        }
    }
}
