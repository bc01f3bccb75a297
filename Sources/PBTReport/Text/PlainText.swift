// SPDX-License-Identifier: Apache-2.0

/// Sanitizes and measures text of users: it may contain control characters and any script, and be of any length.
package enum PlainText {
    /// Returns the text on one line, without control characters that would move the cursor, color the terminal, or
    /// change the reading direction of the text around it.
    package static func line(_ text: String) -> String {
        var scalars = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            switch scalar.value {
            case 0x09, 0x0a, 0x0d, 0x2028, 0x2029: scalars.append(" ")
            case 0..<0x20, 0x7f..<0xa0, 0xfffe, 0xffff: scalars.append("\u{fffd}")
            case 0x200e, 0x200f, 0x202a...0x202e, 0x2066...0x2069: continue
            default: scalars.append(scalar)
            }
        }
        return String(scalars)
    }

    /// Returns the number of terminal columns that the text occupies.
    package static func columns(of text: String) -> Int {
        text.reduce(0) { $0 + columns(of: $1) }
    }

    /// Returns the text truncated to a number of columns, with an ellipsis in its middle, where names differ least.
    ///
    /// - Parameters:
    ///   - text: The text.
    ///   - width: The maximum number of columns; at least 1.
    ///   - isASCII: True for the ellipsis `~`.
    /// - Returns: The text itself if it fits.
    package static func middle(_ text: String, width: Int, isASCII: Bool = false) -> String {
        guard columns(of: text) > width else { return text }
        let (head, tail) = ends(of: text, width: width - 1) { columns(of: $0) }
        return head + (isASCII ? "~" : "…") + tail
    }

    /// Returns a prefix and a suffix of the text that together have at most the given width; the prefix is not shorter.
    static func ends<Extent: AdditiveArithmetic & Comparable>(
        of text: String, width: Extent, measure: (Character) -> Extent
    ) -> (head: String, tail: String) {
        let characters = Array(text)
        var (low, high) = (0, characters.count)
        var left = width
        var takesHead = true
        while low < high {
            let next = measure(characters[takesHead ? low : high - 1])
            guard next <= left else { break }
            left -= next
            if takesHead { low += 1 } else { high -= 1 }
            takesHead.toggle()
        }
        return (String(characters[..<low]), String(characters[high...]))
    }

    private static func columns(of character: Character) -> Int {
        guard let first = character.unicodeScalars.first else { return 0 }
        switch first.value {
        case 0x20..<0x300: return 1
        case 0x1100...0x115f, 0x2e80...0x303e, 0x3041...0x33ff, 0x3400...0x4dbf, 0x4e00...0x9fff, 0xa000...0xa4cf,
            0xac00...0xd7a3, 0xf900...0xfaff, 0xfe30...0xfe6f, 0xff00...0xff60, 0xffe0...0xffe6, 0x1f300...0x1f64f,
            0x1f680...0x1f6ff, 0x1f900...0x1faff, 0x20000...0x3fffd:
            return 2
        default:
            switch first.properties.generalCategory {
            case .nonspacingMark, .enclosingMark, .format, .control: return 0
            default: return first.properties.isEmojiPresentation ? 2 : 1
            }
        }
    }
}
