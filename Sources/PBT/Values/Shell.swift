// SPDX-License-Identifier: Apache-2.0

/// Quoting for POSIX shells, so that printed commands can be pasted.
package enum Shell {
    /// Returns a string as one word of a shell command, quoted if necessary.
    ///
    /// Control characters and those that change the writing direction are written as escapes (`$'\n'`, for bash, zsh,
    /// and ksh), so that the word stays on one line and cannot mislead.
    package static func quoted(_ text: String) -> String {
        if text.unicodeScalars.contains(where: isHidden) { return escaped(text) }
        return isPlain(text) ? text : "'\(text.replacing("'", with: "'\\''"))'"
    }

    /// Returns words as one shell command.
    package static func command(_ words: some Sequence<String>) -> String {
        words.map(quoted).joined(separator: " ")
    }

    /// Splits a command into words like a shell, without expansion; an unterminated quotation extends to the end.
    package static func words(in text: String) -> [String] {
        var words: [String] = []
        var word: String?
        var quote: Character?
        var rest = text[...]
        while let character = rest.popFirst() {
            switch (character, quote) {
            case ("'", nil), ("\"", nil):
                quote = character
                word = word ?? ""
            case (quote, _) where quote != nil: quote = nil
            case ("\\", let open) where open != "'":
                if let next = rest.popFirst() { word = (word ?? "") + String(next) }
            case (let space, nil) where space.isWhitespace:
                if let word { words.append(word) }
                word = nil
            default: word = (word ?? "") + String(character)
            }
        }
        if let word { words.append(word) }
        return words
    }

    /// Returns true if no shell changes the word.
    private static func isPlain(_ text: String) -> Bool {
        // {a,b} and {1..3} expand to several words, =name to a path in zsh.
        let isExpanded = text.utf8.contains(UInt8(ascii: "{")) && (text.contains(",") || text.contains(".."))
        guard !text.isEmpty, !isExpanded, !text.hasPrefix("=") else { return false }
        return text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."),
                UInt8(ascii: "/"), UInt8(ascii: "="), UInt8(ascii: ":"), UInt8(ascii: "@"), UInt8(ascii: "{"),
                UInt8(ascii: "}"), UInt8(ascii: ","), UInt8(ascii: "+"), UInt8(ascii: "%"):
                true
            default: false
            }
        }
    }

    /// Returns true for a character that is invisible or affects how its neighbors are displayed.
    private static func isHidden(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0..<0x20, 0x7f..<0xa0, 0x200b...0x200f, 0x2028...0x202e, 0x2066...0x2069, 0xfeff, 0xfffe, 0xffff: true
        default: false
        }
    }

    private static func escaped(_ text: String) -> String {
        var word = "$'"
        for scalar in text.unicodeScalars {
            switch scalar {
            case "'", "\\": word += "\\\(scalar)"
            case "\n": word += "\\n"
            case "\t": word += "\\t"
            case "\r": word += "\\r"
            case _ where isHidden(scalar):
                // Three octal digits per byte, so that a following digit is not taken as part of it.
                for byte in String(scalar).utf8 {
                    let digits = String(byte, radix: 8)
                    word += "\\" + String(repeating: "0", count: 3 - digits.count) + digits
                }
            default: word.unicodeScalars.append(scalar)
            }
        }
        return word + "'"
    }
}
