// SPDX-License-Identifier: Apache-2.0

/// How wide text is in DejaVu Sans, about: enough to keep labels apart and inside the picture.
enum TextWidth {
    /// The width in pixels, a little more rather than less.
    static func of(_ text: String, size: Double, isBold: Bool = false) -> Double {
        text.reduce(0) { $0 + width(of: $1) } * size * (isBold ? 1.12 : 1)
    }

    /// The text cut to a width in pixels, with an ellipsis in its middle.
    static func fitted(_ text: String, to width: Double, size: Double, isBold: Bool = false) -> String {
        guard of(text, size: size, isBold: isBold) > width else { return text }
        let scale = size * (isBold ? 1.12 : 1)
        let (head, tail) = PlainText.ends(of: text, width: max(0, width - scale)) { Self.width(of: $0) * scale }
        return head + "…" + tail
    }

    /// The words in lines no wider than this; a word that is wider is cut.
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

    /// Parts of the font's size.
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
