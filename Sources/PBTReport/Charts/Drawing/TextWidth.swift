// SPDX-License-Identifier: Apache-2.0

/// Estimates the width of text in DejaVu Sans, well enough to keep labels apart and inside the chart.
enum TextWidth {
    /// Returns the width in pixels, rather too large than too small.
    static func of(_ text: String, size: Double, isBold: Bool = false) -> Double {
        text.reduce(0) { $0 + width(of: $1) } * size * (isBold ? 1.12 : 1)
    }

    /// Returns the text truncated to a width in pixels, with an ellipsis in its middle.
    static func fitted(_ text: String, to width: Double, size: Double, isBold: Bool = false) -> String {
        guard of(text, size: size, isBold: isBold) > width else { return text }
        let scale = size * (isBold ? 1.12 : 1)
        let (head, tail) = PlainText.ends(of: text, width: max(0, width - scale)) { Self.width(of: $0) * scale }
        return head + "…" + tail
    }

    /// Returns the words in lines up to a width; a word that is wider is truncated.
    static func wrapped(_ text: String, to width: Double, size: Double, isBold: Bool = false) -> [String] {
        var lines: [String] = []
        for word in text.split(separator: " ") {
            let longer = lines.last.map { "\($0) \(word)" } ?? ""
            if !lines.isEmpty, of(longer, size: size, isBold: isBold) <= width {
                lines[lines.count - 1] = longer
            } else {
                lines.append(fitted(String(word), to: width, size: size, isBold: isBold))
            }
        }
        return lines
    }

    /// Returns the width of a character as a fraction of the font size.
    private static func width(of character: Character) -> Double {
        switch character {
        case "i", "j", "l", "I", ".", ",", ":", ";", "|", "'": 0.33
        case "f", "t", "r", "(", ")", "[", "]", "-", " ", "/", "!": 0.4
        case "m", "M", "w", "W", "%", "@", "★", "→", "↻", "_": 0.98
        case "0"..."9", "a"..."z": 0.63
        case "×", "+", "=", "<", ">", "−", "↑", "↓", "~": 0.84
        case "–": 0.5
        default: PlainText.columns(of: String(character)) == 2 ? 1.4 : 0.76
        }
    }
}
