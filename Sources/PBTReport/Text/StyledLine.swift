// SPDX-License-Identifier: Apache-2.0

/// How text on a terminal can stand out, by the number of its escape sequence.
///
/// Never the only sign: a word or a mark says the same.
package enum TextStyle: Int, Sendable, Hashable {
    /// Heavier.
    case bold = 1
    /// Paler.
    case dim = 2
    /// With foreground and background exchanged: what is selected.
    case reverse = 7
    /// For errors.
    case red = 31
    /// For success.
    case green = 32
    /// For warnings.
    case yellow = 33
    /// For the best.
    case magenta = 35
}

/// A line for a terminal: pieces of text, each in a style of its own.
///
/// It knows how many columns it takes, since it has no escape sequences until it is written.
package struct StyledLine: Sendable, Hashable, ExpressibleByStringInterpolation {
    /// Characters of one style.
    package struct Span: Sendable, Hashable {
        /// The characters.
        package var text: String
        /// How they stand out; none: not at all.
        package var style: TextStyle?
    }

    /// The pieces, from left to right.
    package private(set) var spans: [Span] = []

    /// A line of one style; control characters are replaced.
    package init(_ text: String = "", _ style: TextStyle? = nil) {
        append(text, style)
    }

    /// A line without a style.
    package init(stringLiteral value: String) {
        self.init(value)
    }

    /// Adds text at the end; control characters are replaced.
    package mutating func append(_ text: String, _ style: TextStyle? = nil) {
        guard !text.isEmpty else { return }
        spans.append(Span(text: PlainText.line(text), style: style))
    }

    /// Adds another line at the end.
    package mutating func append(_ other: StyledLine) {
        spans += other.spans
    }

    /// Its characters.
    package var plain: String {
        spans.map(\.text).joined()
    }

    /// How many columns it takes.
    package var columns: Int {
        spans.reduce(0) { $0 + PlainText.columns(of: $1.text) }
    }

    /// Parts with two spaces between them, as many as fit, the first always.
    package static func joined(_ parts: [(String, TextStyle?)], width: Int) -> StyledLine {
        var line = StyledLine()
        for (text, style) in parts {
            var longer = line
            if !line.spans.isEmpty { longer.append("  ") }
            longer.append(text, style)
            guard line.spans.isEmpty || longer.columns <= width else { break }
            line = longer
        }
        return line
    }

    /// The line as it is written.
    ///
    /// - Parameter styled: What makes a text stand out.
    /// - Returns: All pieces, one after the other.
    package func text(_ styled: (String, TextStyle) -> String) -> String {
        spans.map { span in span.style.map { styled(span.text, $0) } ?? span.text }.joined()
    }

    /// The line cut at its end to a number of columns, with an ellipsis where something was left out.
    ///
    /// - Parameters:
    ///   - width: How many columns it may take; at least 1.
    ///   - isASCII: Whether the ellipsis is `~`.
    /// - Returns: The line itself when it fits.
    package func clipped(to width: Int, isASCII: Bool) -> StyledLine {
        guard columns > width else { return self }
        var line = take(width - 1).head
        line.append(isASCII ? "~" : "…", line.spans.last?.style)
        return line
    }

    /// The line broken at spaces into lines that fit.
    ///
    /// - Parameters:
    ///   - width: How many columns each may take; at least 1.
    ///   - indent: How many columns all but the first are moved to the right; less where there is no room for it.
    /// - Returns: At least one line.
    package func folded(to width: Int, indent: Int) -> [StyledLine] {
        guard columns > width else { return [self] }
        let indent = min(indent, width / 3)
        var lines: [StyledLine] = []
        var rest = self
        while rest.columns > (lines.isEmpty ? width : width - indent) {
            let room = lines.isEmpty ? width : width - indent
            let characters = Array(rest.take(room + 1).head.plain)
            // A break far to the left would waste the line: what has no space is broken anywhere.
            let space = characters.lastIndex(of: " ").map { String(characters[..<$0]) }
            let taken = space.map { PlainText.columns(of: $0) }.flatMap { $0 > room / 3 ? $0 : nil } ?? room
            var (head, tail) = rest.take(max(1, taken))
            while tail.plain.first == " " { tail = tail.take(1).tail }
            if head.spans.isEmpty { (head, tail) = (tail, StyledLine()) }
            lines.append(head)
            rest = tail
        }
        if !rest.spans.isEmpty { lines.append(rest) }
        return lines.enumerated().map { place, line in
            guard place > 0 else { return line }
            var indented = StyledLine(String(repeating: " ", count: indent))
            indented.append(line)
            return indented
        }
    }

    /// The characters that fit into a number of columns, and the others.
    private func take(_ width: Int) -> (head: StyledLine, tail: StyledLine) {
        var head = StyledLine()
        var tail = StyledLine()
        var left = width
        for span in spans {
            guard left > 0 else {
                tail.append(span.text, span.style)
                continue
            }
            var taken = ""
            var rest = span.text[...]
            while let next = rest.first {
                let columns = PlainText.columns(of: String(next))
                guard columns <= left else {
                    left = 0
                    break
                }
                left -= columns
                taken.append(rest.removeFirst())
            }
            head.append(taken, span.style)
            tail.append(String(rest), span.style)
        }
        return (head, tail)
    }
}
