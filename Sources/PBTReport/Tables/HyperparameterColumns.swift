// SPDX-License-Identifier: Apache-2.0

package import PBT

/// The hyperparameters of a table: those that differ between rows as columns, the others on one line.
package struct HyperparameterColumns: Sendable {
    /// The names of the columns.
    package let names: [String]
    /// The cells, by row and column.
    package let cells: [[String]]
    /// For each column, true when it contains only numbers, which are never truncated.
    private let numeric: [Bool]
    /// The hyperparameters that are the same in all rows, as text: `batch 64   layers 3`; empty when all differ.
    package let constants: String

    /// Creates the columns of these rows.
    ///
    /// When nothing differs, all hyperparameters are columns, so a table of one row shows them.
    ///
    /// - Parameters:
    ///   - rows: The hyperparameters of each row.
    ///   - space: The space that orders the columns.
    ///   - last: The names that come after all others, such as those that PBT does not change.
    package init(_ rows: [Hyperparameters], of space: SearchSpace, last: Set<String> = []) {
        let names = space.ordered(Set(rows.flatMap(\.names)))
        let all = names.filter { !last.contains($0) } + names.filter { last.contains($0) }
        let varying = all.filter { name in
            rows.contains { row in
                switch (row[name], rows.first?[name]) {
                case (let a?, let b?): !a.isIdentical(to: b)
                case (nil, nil): false
                default: true
                }
            }
        }
        let shown = varying.isEmpty ? all : varying
        self.names = shown
        numeric = shown.map { name in rows.allSatisfy { $0[name] == nil || $0[name]?.double != nil } }
        let columns = shown.map { name in Self.column(rows.map { $0[name] }) }
        cells = rows.indices.map { row in columns.map { $0[row] } }
        constants =
            varying.isEmpty ? "" : Self.line(of: rows.first ?? [:], names: all.filter { !varying.contains($0) })
    }

    /// Returns hyperparameters on one line, in the order of their space.
    package static func line(of hyperparameters: Hyperparameters, in space: SearchSpace) -> String {
        line(of: hyperparameters, names: space.ordered(hyperparameters.names))
    }

    private static func line(of hyperparameters: Hyperparameters, names: [String]) -> String {
        names.map { "\($0) \(PlainText.line(Format.value(hyperparameters[$0])))" }.joined(separator: "   ")
    }

    private static func column(_ values: [Value?]) -> [String] {
        let isNumeric = values.allSatisfy { $0 == nil || $0?.double != nil }
        return isNumeric ? Format.column(values.map { $0?.double }) : values.map { PlainText.line(Format.value($0)) }
    }

    /// Returns the columns of a table, of which the rightmost are omitted first.
    ///
    /// - Parameters:
    ///   - rank: The rank of the first column.
    ///   - isUppercase: True for titles in capitals.
    /// - Returns: A column for each of ``names``.
    package func columns(rank: Int, isUppercase: Bool = true) -> [TextTable.Column] {
        names.indices.map { place in
            TextTable.Column(
                isUppercase ? names[place].uppercased() : names[place], .right, canShrink: !numeric[place],
                rank: rank + place)
        }
    }
}
