// SPDX-License-Identifier: Apache-2.0

/// A table for a terminal, or for whatever the output is piped into.
package struct TextTable: Sendable {
    /// Which side of a column its cells stand at.
    package enum Alignment: Sendable {
        /// Text.
        case left
        /// Numbers.
        case right
    }

    /// One column.
    package struct Column: Sendable {
        /// What stands above it.
        package var title: String
        /// Which side its cells stand at.
        package var alignment: Alignment
        /// Whether cells may be cut, with an ellipsis in their middle.
        ///
        /// Numbers never are.
        package var canShrink: Bool
        /// Columns with a higher rank are left out first when the width does not suffice; 0: never.
        package var rank: Int

        /// A column.
        package init(_ title: String, _ alignment: Alignment = .left, canShrink: Bool = false, rank: Int = 0) {
            self.title = title
            self.alignment = alignment
            self.canShrink = canShrink
            self.rank = rank
        }
    }

    /// The columns.
    package var columns: [Column]
    /// The rows; one cell a column.
    package var rows: [[String]] = []

    /// A table without rows.
    package init(_ columns: [Column]) {
        self.columns = columns
    }

    /// Appends a row; missing cells at its end are empty, and what is too much is left out.
    package mutating func append(_ cells: [String]) {
        rows.append(columns.indices.map { $0 < cells.count ? PlainText.line(cells[$0]) : "" })
    }

    /// The least width that a column shrinks to.
    private static let least = 8

    /// The table as lines, each ending in a line feed; no line ends in a space.
    ///
    /// - Parameters:
    ///   - width: How many columns of the terminal there are; none: nothing is cut or left out, for pipes.
    ///   - isASCII: Whether the ellipsis must be ASCII.
    ///   - emphasize: What is done to the line of titles, such as making it bold.
    /// - Returns: The line of titles, and a line for each row.
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

    /// Which columns are shown, and how wide.
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
            // The widest gives first, so that what is short stays whole.
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
