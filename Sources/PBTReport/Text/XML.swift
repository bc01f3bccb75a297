// SPDX-License-Identifier: Apache-2.0

/// Escapes text for XML 1.0.
enum XML {
    /// Returns text with the reserved characters of XML and HTML escaped, and without characters that they do not allow
    /// and bidirectional controls.
    ///
    /// - Parameters:
    ///   - text: The text.
    ///   - isLine: True to replace line breaks by spaces.
    ///   - isolates: True to keep directional isolates, which ``name(_:width:)`` adds.
    /// - Returns: Escaped text.
    static func escaped(_ text: String, isLine: Bool = true, isolates: Bool = true) -> String {
        var result = ""
        result.reserveCapacity(text.utf8.count + 16)
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "'": result += "&#39;"
            case "\t" where !isLine, "\n" where !isLine: result.unicodeScalars.append(scalar)
            case "\t", "\n", "\r": result += " "
            case "\u{0}"..<" ", "\u{7f}"..<"\u{a0}", "\u{fffe}", "\u{ffff}": result += "\u{fffd}"
            case "\u{202a}"..."\u{202e}": continue
            case "\u{200e}", "\u{200f}", "\u{2066}"..."\u{2069}": if isolates { result.unicodeScalars.append(scalar) }
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    /// Returns a name for use in text: on one line, truncated in its middle to a number of columns, and isolated if it
    /// contains a right-to-left script, so that it does not reorder the text around it.
    static func name(_ name: String, width: Int = 40) -> String {
        let plain = PlainText.middle(PlainText.line(name), width: width)
        let runsLeft = plain.unicodeScalars.contains { scalar in
            switch scalar.value {
            case 0x590...0x8ff, 0xfb1d...0xfdff, 0xfe70...0xfefc, 0x10800...0x10fff, 0x1e800...0x1efff: true
            default: false
            }
        }
        return runsLeft ? "\u{2068}\(plain)\u{2069}" : plain
    }
}
