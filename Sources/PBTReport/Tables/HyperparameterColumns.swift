// SPDX-License-Identifier: Apache-2.0

package import PBT

/// Hyperparameters as columns of a table: those that differ between rows as columns, the others in one line.
package struct HyperparameterColumns: Sendable {
    /// The names of the columns.
    package let names: [String]
    /// The cells, by row and column.
    package let cells: [[String]]
    /// Which columns hold numbers only: those are never cut.
    private let numeric: [Bool]
    /// What is the same in all rows, as text: `batch 64   layers 3`; nothing when all differ.
    package let constants: String

    /// The columns for these rows.
    ///
    /// When nothing differs, all are columns: a table of one row shows its hyperparameters.
    ///
    /// - Parameters:
    ///   - rows: The hyperparameters of each row.
    ///   - last: Which of them come after all others: those that are told apart by nothing that PBT does.
    package init(_ rows: [Hyperparameters], last: Set<String> = []) {
        let names = Set(rows.flatMap(\.names)).sorted()
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
        constants = varying.isEmpty ? "" : Self.line(of: rows.first ?? [:], names: all.filter { !varying.contains($0) })
    }

    /// Hyperparameters on one line.
    package static func line(of hyperparameters: Hyperparameters, names: [String]? = nil) -> String {
        (names ?? hyperparameters.names).map { "\($0) \(PlainText.line(Format.value(hyperparameters[$0])))" }
            .joined(separator: "   ")
    }

    private static func column(_ values: [Value?]) -> [String] {
        let isNumeric = values.allSatisfy { $0 == nil || $0?.double != nil }
        return isNumeric ? Format.column(values.map { $0?.double }) : values.map { PlainText.line(Format.value($0)) }
    }

    /// The columns of a table, of which those further to the right are left out first.
    ///
    /// - Parameters:
    ///   - rank: The rank of the first.
    ///   - isUppercase: Whether their titles are in capitals.
    /// - Returns: A column for each of ``names``.
    package func columns(rank: Int, isUppercase: Bool = true) -> [TextTable.Column] {
        names.indices.map { place in
            TextTable.Column(
                isUppercase ? names[place].uppercased() : names[place], .right, canShrink: !numeric[place],
                rank: rank + place)
        }
    }
}
