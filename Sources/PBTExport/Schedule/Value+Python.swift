// SPDX-License-Identifier: Apache-2.0

package import PBT

extension Value {
    /// The value as a Python literal on one line.
    package var python: String {
        switch self {
        case .null: "None"
        case .bool(let bool): bool ? "True" : "False"
        case .integer(let integer): "\(integer)"
        case .number(let number): number.isFinite ? number.description : "None"
        case .string(let string): Self.python(string)
        case .array(let array): "[\(array.map(\.python).joined(separator: ", "))]"
        case .object(let object):
            "{"
                + object.sorted { $0.key < $1.key }.map { "\(Self.python($0.key)): \($0.value.python)" }
                .joined(separator: ", ") + "}"
        }
    }

    /// Returns a string as a Python literal, without control characters, line separators or directional marks.
    ///
    /// It is one line, so it is safe in a comment too. Quotes are single where that needs fewer escapes, as formatters of
    /// Python choose them.
    package static func python(_ string: String) -> String {
        let (single, double) = (string.utf8.count { $0 == 0x27 }, string.utf8.count { $0 == 0x22 })
        let quote: Unicode.Scalar = double > single ? "'" : "\""
        var text = "\(quote)"
        for scalar in string.unicodeScalars {
            switch scalar {
            case quote, "\\": text += "\\\(scalar)"
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\t": text += "\\t"
            case " "..."~": text.unicodeScalars.append(scalar)
            default:
                if scalar.properties.isAlphabetic {
                    text.unicodeScalars.append(scalar)
                } else {
                    text += escape(scalar.value)
                }
            }
        }
        return "\(text)\(quote)"
    }

    /// Returns `\x1b`, `\u2028`, or `\U0001f600`.
    private static func escape(_ code: UInt32) -> String {
        let digits = String(code, radix: 16)
        let (letter, count) = code < 0x100 ? ("x", 2) : code < 0x10000 ? ("u", 4) : ("U", 8)
        return "\\\(letter)\(String(repeating: "0", count: count - digits.count))\(digits)"
    }
}
