// SPDX-License-Identifier: Apache-2.0

package import PBT

/// Comma-separated values (RFC 4180) that are safe to open in a spreadsheet, whatever text they contain.
///
/// Text that a spreadsheet would interpret as a formula is prefixed with an apostrophe, as is text that starts with
/// one: readers remove one leading apostrophe from each text. Control characters are replaced.
package enum CSV {
    /// A cell of a row.
    package enum Cell: Sendable, Hashable {
        /// A number, a boolean, or a time, written verbatim.
        case plain(String)
        /// A string from outside.
        case text(String)

        /// Creates a cell from a value: numbers and booleans as in JSON, NaN and infinity by name, strings as text,
        /// lists and objects as JSON; empty for null and for a missing value.
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

    /// Returns cells as one line, quoted where necessary.
    package static func line(_ cells: [Cell]) -> String {
        cells.map { cell in
            switch cell {
            case .plain(let text): quoted(text)
            case .text(let text): quoted(guarded(text))
            }
        }.joined(separator: ",") + "\r\n"
    }

    /// Returns a string without control characters that no spreadsheet interprets as a formula.
    private static func guarded(_ text: String) -> String {
        var scalars = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\t", "\n", "\r", "\u{85}", "\u{2028}", "\u{2029}": scalars.append(" ")
            default: scalars.append(isControl(scalar) ? "\u{fffd}" : scalar)
            }
        }
        let first = scalars.first { !$0.properties.isWhitespace }
        // Some programs treat the full-width forms like the ASCII ones.
        let starters: Set<Unicode.Scalar> = ["=", "+", "-", "@", "'", "\u{ff1d}", "\u{ff0b}", "\u{ff0d}", "\u{ff20}"]
        return (first.map(starters.contains) ?? false ? "'" : "") + String(scalars)
    }

    /// Returns whether a scalar is a control character, including bidirectional controls.
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
