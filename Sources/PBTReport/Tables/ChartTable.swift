// SPDX-License-Identifier: Apache-2.0

/// The data behind a picture, for those who cannot see it, or who want the numbers.
public struct ChartTable: Sendable, Hashable {
    /// Which side of a column its cells stand at.
    public enum Alignment: String, Sendable, Hashable {
        /// Text.
        case left
        /// Numbers.
        case right
    }

    /// One column.
    public struct Column: Sendable, Hashable {
        /// What stands above it.
        public var title: String
        /// Which side its cells stand at.
        public var alignment: Alignment

        /// A column.
        public init(_ title: String, _ alignment: Alignment = .right) {
            self.title = title
            self.alignment = alignment
        }
    }

    /// The most rows that a table has.
    public static let mostRows = 500

    /// What the table shows, as a title.
    public let caption: String
    /// The columns, from left to right.
    public let columns: [Column]
    /// The rows, one cell a column.
    ///
    /// Names are on one line, and of any length.
    public let rows: [[String]]
    /// What is left out, or why there are no rows; none when there is nothing to say.
    public let note: String?

    /// A table; of more than 500 rows the first ones are kept, and the note says so.
    ///
    /// - Parameters:
    ///   - caption: What it shows.
    ///   - columns: The columns.
    ///   - rows: The rows; missing cells at the end of one are empty.
    ///   - note: What else there is to say.
    public init(_ caption: String, columns: [Column], rows: [[String]], note: String? = nil) {
        self.caption = PlainText.line(caption)
        self.columns = columns.map { Column(PlainText.line($0.title), $0.alignment) }
        let kept = rows.prefix(Self.mostRows)
        self.rows = kept.map { row in columns.indices.map { $0 < row.count ? PlainText.line(row[$0]) : "" } }
        let cut = rows.count > kept.count ? "showing the first \(kept.count) of \(rows.count) rows" : nil
        let notes = [cut, note].compactMap { $0 }
        self.note = notes.isEmpty ? nil : notes.joined(separator: "; ")
    }

    /// The table for a terminal, or for what the output is piped into: the caption, the table, and the note.
    ///
    /// - Parameters:
    ///   - width: How many columns of the terminal there are; none: nothing is cut.
    ///   - isASCII: Whether it must do with ASCII.
    /// - Returns: The lines, each ending in a line feed.
    package func text(width: Int? = nil, isASCII: Bool = false) -> String {
        var table = TextTable(
            columns.enumerated().map { place, column in
                // What does not fit is left out from the right; the first two columns stay.
                TextTable.Column(
                    column.title, column.alignment == .left ? .left : .right, canShrink: column.alignment == .left,
                    rank: place < 2 ? 0 : place)
            })
        for row in rows { table.append(row) }
        return "\(caption)\n" + (rows.isEmpty ? "" : table.text(width: width, isASCII: isASCII))
            + (note.map { "\($0)\n" } ?? "")
    }
}
