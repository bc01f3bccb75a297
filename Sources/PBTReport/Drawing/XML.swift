// SPDX-License-Identifier: Apache-2.0

/// Text as XML 1.0 takes it.
enum XML {
    /// The text with what XML reserves escaped, and on one line.
    ///
    /// Text that runs from right to left is isolated, so that it does not reorder what stands beside it.
    static func escaped(_ text: String) -> String {
        var result = ""
        for scalar in PlainText.line(text).unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "'": result += "&#39;"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    /// A name as part of a sentence: isolated when it holds a script that runs from right to left.
    static func isolated(_ name: String) -> String {
        let runsLeft = name.unicodeScalars.contains { scalar in
            switch scalar.value {
            case 0x590...0x8ff, 0xfb1d...0xfdff, 0xfe70...0xfefc, 0x10800...0x10fff, 0x1e800...0x1efff: true
            default: false
            }
        }
        return runsLeft ? "\u{2068}\(name)\u{2069}" : name
    }
}
