// SPDX-License-Identifier: Apache-2.0

/// A text table for a terminal or a pipe.
package struct TextTable: Sendable {
    /// The alignment of the cells of a column.
    package enum Alignment: Sendable {
        /// For text.
        case left
        /// For numbers.
        case right
    }

    /// One column.
    package struct Column: Sendable {
        /// The heading.
        package var title: String
        /// The alignment of its cells.
        package var alignment: Alignment
        /// True when cells may be truncated, with an ellipsis in their middle.
        ///
        /// Never for numbers.
        package var canShrink: Bool
        /// The order in which columns are omitted when the width does not suffice, the highest rank first; 0: never.
        package var rank: Int

        /// Creates a column.
        package init(_ title: String, _ alignment: Alignment = .left, canShrink: Bool = false, rank: Int = 0) {
            self.title = title
            self.alignment = alignment
            self.canShrink = canShrink
            self.rank = rank
        }
    }

    /// The columns.
    package var columns: [Column]
    /// The rows; one cell per column.
    package var rows: [[String]] = []

    /// Creates a table without rows.
    package init(_ columns: [Column]) {
        self.columns = columns
    }

    /// Appends a row; missing cells at its end are empty, and excess cells are ignored.
    package mutating func append(_ cells: [String]) {
        rows.append(columns.indices.map { $0 < cells.count ? PlainText.line(cells[$0]) : "" })
    }

    /// The minimum width that a column shrinks to.
    private static let least = 8

    /// Returns the table as lines, each ending in a line feed; no line ends in a space.
    ///
    /// - Parameters:
    ///   - width: The number of columns of the terminal; none, for pipes: nothing is truncated or omitted.
    ///   - isASCII: True for an ASCII ellipsis.
    ///   - emphasize: Styles the header line, for example in bold.
    /// - Returns: The header line, and a line for each row.
    package func text(
        width: Int? = nil, isASCII: Bool = false, emphasize: (String) -> String = { $0 }
    ) -> String {
        let (shown, widths) = layout(width)
        func line(_ cells: [String]) -> String {
            var line = ""
            for (place, width) in zip(shown, widths) {
                if !line.isEmpty || place != shown.first { line += "  " }
                let cell = PlainText.middle(cells[place], width: width, isASCII: isASCII)
                let padding = String(repeating: " ", count: max(0, width - PlainText.columns(of: cell)))
                line += columns[place].alignment == .left ? cell + padding : padding + cell
            }
            while line.last == " " { line.removeLast() }
            return line
        }
        var text = emphasize(line(columns.map { PlainText.line($0.title) })) + "\n"
        for row in rows { text += line(row) + "\n" }
        return text
    }

    /// Returns the columns that are shown, and their widths.
    private func layout(_ width: Int?) -> (shown: [Int], widths: [Int]) {
        var natural = columns.map { PlainText.columns(of: PlainText.line($0.title)) }
        for row in rows {
            for place in columns.indices { natural[place] = max(natural[place], PlainText.columns(of: row[place])) }
        }
        var shown = Array(columns.indices)
        guard let width else { return (shown, natural) }
        while true {
            var widths = shown.map { natural[$0] }
            var excess = widths.reduce(2 * (shown.count - 1), +) - width
            // The widest column shrinks first, so that short ones stay complete.
            while excess > 0,
                let widest = shown.indices
                    .filter({ columns[shown[$0]].canShrink && widths[$0] > Self.least })
                    .max(by: { widths[$0] < widths[$1] })
            {
                widths[widest] -= 1
                excess -= 1
            }
            let droppable = shown.indices.filter { columns[shown[$0]].rank > 0 }
            guard excess > 0,
                let victim = droppable.max(by: { columns[shown[$0]].rank < columns[shown[$1]].rank })
            else { return (shown, widths) }
            shown.remove(at: victim)
        }
    }
}
