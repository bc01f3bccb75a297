// SPDX-License-Identifier: Apache-2.0

/// The symbols of terminal output, with ASCII substitutes.
package struct Glyphs: Sendable, Hashable {
    /// True when only ASCII may be shown.
    package let isASCII: Bool

    /// Creates the symbols of a terminal.
    package init(isASCII: Bool) {
        self.isASCII = isASCII
    }

    /// The best.
    package var best: String { isASCII ? "*" : "★" }
    /// A failure.
    package var failed: String { isASCII ? "x" : "×" }
    /// A member that needs attention.
    package var stalled: String { "!" }
    /// Better than before.
    package var up: String { isASCII ? "^" : "▲" }
    /// Worse than before.
    package var down: String { isASCII ? "v" : "▼" }
    /// Done.
    package var done: String { isASCII ? "+" : "✓" }
    /// From a donor.
    package var from: String { isASCII ? "<-" : "←" }
    /// The filled part of a bar.
    package var full: String { isASCII ? "#" : "━" }
    /// The empty part of a bar.
    package var rest: String { isASCII ? "-" : "─" }

    /// Returns the text; where only ASCII may be shown, other characters are replaced by similar ones.
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
