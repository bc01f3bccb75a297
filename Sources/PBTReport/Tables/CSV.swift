// SPDX-License-Identifier: Apache-2.0

package import PBT

/// Comma-separated values (RFC 4180) that a spreadsheet may open whoever named what is in them.
///
/// A text that a spreadsheet would take for a formula gets an apostrophe in front, as does one that begins with an
/// apostrophe: whoever reads the file takes one leading apostrophe off each text. Control characters are replaced.
package enum CSV {
    /// What stands in one place of a row.
    package enum Cell: Sendable, Hashable {
        /// A number, a boolean, or a time that this program writes: as it is.
        case plain(String)
        /// A string from outside.
        case text(String)

        /// A value: numbers and booleans as JSON writes them, NaN and infinity by name, strings as text, lists and
        /// objects as JSON; empty for null and for what is missing.
        package init(_ value: Value?) {
            self =
                switch value {
                case nil, .null: .plain("")
                case .number(let number): .plain(number.description)
                case .string(let string): .text(string)
                case .array, .object: .text(value?.json ?? "")
                case .bool, .integer: .plain(value?.json ?? "")
                }
        }
    }

    /// Cells as one line, those quoted that must be.
    package static func line(_ cells: [Cell]) -> String {
        cells.map { cell in
            switch cell {
            case .plain(let text): quoted(text)
            case .text(let text): quoted(guarded(text))
            }
        }.joined(separator: ",") + "\r\n"
    }

    /// A string without control characters that no spreadsheet takes for a formula.
    private static func guarded(_ text: String) -> String {
        var scalars = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\t", "\n", "\r", "\u{85}", "\u{2028}", "\u{2029}": scalars.append(" ")
            default: scalars.append(isControl(scalar) ? "\u{fffd}" : scalar)
            }
        }
        let first = scalars.first { !$0.properties.isWhitespace }
        // Some programs take the wide forms for the narrow ones.
        let starters: Set<Unicode.Scalar> = ["=", "+", "-", "@", "'", "\u{ff1d}", "\u{ff0b}", "\u{ff0d}", "\u{ff20}"]
        return (first.map(starters.contains) ?? false ? "'" : "") + String(scalars)
    }

    /// Control characters, and those that turn the direction of what follows.
    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0..<0x20, 0x7f..<0xa0, 0x200e, 0x200f, 0x202a...0x202e, 0x2066...0x2069, 0xfeff, 0xfffe, 0xffff: true
        default: false
        }
    }

    private static func quoted(_ cell: String) -> String {
        let needsQuotes =
            cell.utf8.contains { $0 == 0x22 || $0 == 0x2c || $0 == 0x0a || $0 == 0x0d }
            || cell.utf8.first == 0x20 || cell.utf8.last == 0x20
        guard needsQuotes else { return cell }
        var quoted = "\""
        for scalar in cell.unicodeScalars {
            if scalar == "\"" { quoted.unicodeScalars.append("\"") }
            quoted.unicodeScalars.append(scalar)
        }
        return quoted + "\""
    }
}
