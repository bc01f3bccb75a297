// SPDX-License-Identifier: Apache-2.0

/// The data of a chart as a table: for screen readers, and for exact numbers.
public struct ChartTable: Sendable, Hashable {
    /// The alignment of the cells of a column.
    public enum Alignment: String, Sendable, Hashable {
        /// For text.
        case left
        /// For numbers.
        case right
    }

    /// One column.
    public struct Column: Sendable, Hashable {
        /// The heading.
        public var title: String
        /// The alignment of its cells.
        public var alignment: Alignment

        /// Creates a column.
        public init(_ title: String, _ alignment: Alignment = .right) {
            self.title = title
            self.alignment = alignment
        }
    }

    /// The maximum number of rows.
    public static let mostRows = 500

    /// The title of the table.
    public let caption: String
    /// The columns, from left to right.
    public let columns: [Column]
    /// The rows, one cell per column.
    ///
    /// Names are on one line, and of any length.
    public let rows: [[String]]
    /// A note about omitted rows, or the reason why there are none.
    public let note: String?

    /// Creates a table; of more than 500 rows the first ones are kept, and the note says so.
    ///
    /// - Parameters:
    ///   - caption: The title.
    ///   - columns: The columns.
    ///   - rows: The rows; missing cells at the end of a row are empty.
    ///   - note: An additional note.
    public init(_ caption: String, columns: [Column], rows: [[String]], note: String? = nil) {
        self.caption = PlainText.line(caption)
        self.columns = columns.map { Column(PlainText.line($0.title), $0.alignment) }
        let kept = rows.prefix(Self.mostRows)
        self.rows = kept.map { row in columns.indices.map { $0 < row.count ? PlainText.line(row[$0]) : "" } }
        let cut = rows.count > kept.count ? "showing the first \(kept.count) of \(rows.count) rows" : nil
        let notes = [cut, note].compactMap { $0 }
        self.note = notes.isEmpty ? nil : notes.joined(separator: "; ")
    }

    /// Returns the table for a terminal or a pipe: the caption, the table, and the note.
    ///
    /// - Parameters:
    ///   - width: The number of columns of the terminal; none: nothing is truncated.
    ///   - isASCII: True to use ASCII only.
    /// - Returns: The lines, each ending in a line feed.
    package func text(width: Int? = nil, isASCII: Bool = false) -> String {
        var table = TextTable(
            columns.enumerated().map { place, column in
                // Columns that do not fit are omitted from the right; the first two stay.
                TextTable.Column(
                    column.title, column.alignment == .left ? .left : .right, canShrink: column.alignment == .left,
                    rank: place < 2 ? 0 : place)
            })
        for row in rows { table.append(row) }
        return "\(caption)\n" + (rows.isEmpty ? "" : table.text(width: width, isASCII: isASCII))
            + (note.map { "\($0)\n" } ?? "")
    }
}
