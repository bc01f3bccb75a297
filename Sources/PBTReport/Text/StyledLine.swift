// SPDX-License-Identifier: Apache-2.0

/// The styles of terminal text, with the number of their escape sequence.
///
/// A style is never the only indication: a word or a mark says the same.
package enum TextStyle: Int, Sendable, Hashable {
    /// Bold.
    case bold = 1
    /// Dim.
    case dim = 2
    /// Reverse video, for a selection.
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

/// A line for a terminal: spans of text, each with a style.
///
/// Its width is known, since it contains no escape sequences until it is written.
package struct StyledLine: Sendable, Hashable, ExpressibleByStringInterpolation {
    /// Text of one style.
    package struct Span: Sendable, Hashable {
        /// The text.
        package var text: String
        /// The style; none for plain text.
        package var style: TextStyle?
    }

    /// The spans, from left to right.
    package private(set) var spans: [Span] = []

    /// Creates a line of one style; control characters are replaced.
    package init(_ text: String = "", _ style: TextStyle? = nil) {
        append(text, style)
    }

    /// Creates a line without a style.
    package init(stringLiteral value: String) {
        self.init(value)
    }

    /// Appends text; control characters are replaced.
    package mutating func append(_ text: String, _ style: TextStyle? = nil) {
        guard !text.isEmpty else { return }
        spans.append(Span(text: PlainText.line(text), style: style))
    }

    /// Appends another line.
    package mutating func append(_ other: StyledLine) {
        spans += other.spans
    }

    /// The text without styles.
    package var plain: String {
        spans.map(\.text).joined()
    }

    /// The number of columns.
    package var columns: Int {
        spans.reduce(0) { $0 + PlainText.columns(of: $1.text) }
    }

    /// Returns parts separated by two spaces, as many as fit, but always the first.
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

    /// Returns the line for output.
    ///
    /// - Parameter styled: Adds the escape sequences of a style to text.
    /// - Returns: All spans, concatenated.
    package func text(_ styled: (String, TextStyle) -> String) -> String {
        spans.map { span in span.style.map { styled(span.text, $0) } ?? span.text }.joined()
    }

    /// Returns the line truncated to a number of columns, with an ellipsis at the end.
    ///
    /// - Parameters:
    ///   - width: The maximum number of columns; at least 1.
    ///   - isASCII: True for the ellipsis `~`.
    /// - Returns: The line itself if it fits.
    package func clipped(to width: Int, isASCII: Bool) -> StyledLine {
        guard columns > width else { return self }
        var line = take(width - 1).head
        line.append(isASCII ? "~" : "…", line.spans.last?.style)
        return line
    }

    /// Returns the line wrapped at spaces.
    ///
    /// - Parameters:
    ///   - width: The maximum number of columns of a line; at least 1.
    ///   - indent: The number of columns by which all but the first line are indented; less where there is no space.
    /// - Returns: At least one line.
    package func folded(to width: Int, indent: Int) -> [StyledLine] {
        guard columns > width else { return [self] }
        let indent = min(indent, width / 3)
        var lines: [StyledLine] = []
        var rest = self
        while rest.columns > (lines.isEmpty ? width : width - indent) {
            let room = lines.isEmpty ? width : width - indent
            let characters = Array(rest.take(room + 1).head.plain)
            // A break far to the left would waste the line: words that are too long are broken anywhere.
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

    /// Returns the characters that fit into a number of columns, and the rest.
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
