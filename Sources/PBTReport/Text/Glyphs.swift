// SPDX-License-Identifier: Apache-2.0

/// The characters beyond letters that are shown, or what stands for them in ASCII.
package struct Glyphs: Sendable, Hashable {
    /// Whether only ASCII may be shown.
    package let isASCII: Bool

    /// The characters of a terminal.
    package init(isASCII: Bool) {
        self.isASCII = isASCII
    }

    /// The best.
    package var best: String { isASCII ? "*" : "★" }
    /// A failure.
    package var failed: String { isASCII ? "x" : "×" }
    /// What needs attention.
    package var stalled: String { "!" }
    /// Better than before.
    package var up: String { isASCII ? "^" : "▲" }
    /// Worse than before.
    package var down: String { isASCII ? "v" : "▼" }
    /// Done.
    package var done: String { isASCII ? "+" : "✓" }
    /// From a donor.
    package var from: String { isASCII ? "<-" : "←" }
    /// A part of a bar that is filled.
    package var full: String { isASCII ? "#" : "━" }
    /// A part of a bar that is not.
    package var rest: String { isASCII ? "-" : "─" }

    /// The text, with characters that ASCII does not have replaced by like ones where only those may be shown.
    package func text(_ text: String) -> String {
        guard isASCII else { return text }
        return String(
            text.map { character in
                switch character {
                case "×": "x"
                case "±", "…": "~"
                case "★": best.first ?? character
                case "▲": up.first ?? character
                case "▼": down.first ?? character
                case "→": ">"
                case _ where !character.isASCII: "?"
                default: character
                }
            })
    }
}
