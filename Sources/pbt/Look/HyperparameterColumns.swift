// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTReport

/// Hyperparameters as columns of a table: those that differ between rows as columns, the others in one line.
struct HyperparameterColumns {
    /// The names of the columns.
    let names: [String]
    /// The cells, by row and column.
    let cells: [[String]]
    /// Which columns hold numbers only: those are never cut.
    private let numeric: [Bool]
    /// What is the same in all rows, as text: `batch 64   layers 3`; nothing when all differ.
    let constants: String

    /// The columns for these rows.
    ///
    /// When nothing differs, all are columns: a table of one row shows its hyperparameters.
    init(_ rows: [Hyperparameters]) {
        let all = Set(rows.flatMap(\.names)).sorted()
        let varying = all.filter { name in
            rows.contains { row in
                switch (row[name], rows.first?[name]) {
                case (let a?, let b?): !a.isIdentical(to: b)
                case (nil, nil): false
                default: true
                }
            }
        }
        names = varying.isEmpty ? all : varying
        numeric = names.map { name in rows.allSatisfy { $0[name] == nil || $0[name]?.double != nil } }
        let columns = names.map { name in Self.column(rows.map { $0[name] }) }
        cells = rows.indices.map { row in columns.map { $0[row] } }
        constants = varying.isEmpty ? "" : Self.line(of: rows.first ?? [:], names: all.filter { !varying.contains($0) })
    }

    /// Hyperparameters on one line.
    static func line(of hyperparameters: Hyperparameters, names: [String]? = nil) -> String {
        (names ?? hyperparameters.names).map { "\($0) \(PlainText.line(Format.value(hyperparameters[$0])))" }
            .joined(separator: "   ")
    }

    private static func column(_ values: [Value?]) -> [String] {
        let isNumeric = values.allSatisfy { $0 == nil || $0?.double != nil }
        return isNumeric ? Format.column(values.map { $0?.double }) : values.map { PlainText.line(Format.value($0)) }
    }

    /// The columns of a table, of which those further to the right are left out first.
    func columns(rank: Int) -> [TextTable.Column] {
        names.indices.map { place in
            TextTable.Column(names[place].uppercased(), .right, canShrink: !numeric[place], rank: rank + place)
        }
    }
}

extension TextTable {
    /// Writes the table to standard output as wide as the terminal is, or whole when that is no terminal.
    ///
    /// - Throws: A ``Failure`` when it cannot be written.
    func print() throws {
        let terminal = Terminal.output
        try Output.write(
            text(width: terminal.width, isASCII: !terminal.isUTF8) { terminal.styled($0, .bold) })
    }
}
