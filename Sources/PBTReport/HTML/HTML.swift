// SPDX-License-Identifier: Apache-2.0

/// A fragment of an HTML page.
///
/// Text is added with ``HTMLBuilder`` or ``tag(_:_:_:)``, which escape it; nothing else outside this target takes a
/// `String`.
package struct HTML: Sendable, Hashable {
    /// The markup.
    package fileprivate(set) var markup = ""

    /// Creates escaped text.
    package init(_ text: String) {
        markup = Self.escaped(text)
    }

    /// Creates a fragment from trusted markup, which only this target may write.
    init(markup: String) {
        self.markup = markup
    }

    /// An empty fragment.
    package static let nothing = HTML(markup: "")

    /// Returns a `style` element; the sheet must not contain text from outside.
    static func style(_ sheet: String) -> HTML {
        HTML(markup: "<style>\(sheet)</style>")
    }

    /// Returns a document around a head and a body.
    package static func document(@HTMLBuilder _ content: () throws -> HTML) rethrows -> HTML {
        HTML(markup: "<!DOCTYPE html>\n" + (try tag("html", ["lang": "en"], content)).markup + "\n")
    }

    /// Concatenates two fragments.
    package static func + (a: HTML, b: HTML) -> HTML {
        HTML(markup: a.markup + b.markup)
    }

    /// True when there is no markup.
    package var isEmpty: Bool {
        markup.isEmpty
    }

    /// Returns text escaped for HTML, without control characters and bidirectional controls.
    package static func escaped(_ text: String) -> String {
        XML.escaped(text, isLine: false, isolates: false)
    }
}

/// Returns an element.
///
/// - Parameters:
///   - name: The name.
///   - attributes: The attributes; values are escaped, and attributes without a value are omitted.
///   - content: The content.
/// - Returns: The element.
/// - Throws: What `content` throws.
package func tag(
    _ name: StaticString, _ attributes: KeyValuePairs<StaticString, String?> = [:],
    @HTMLBuilder _ content: () throws -> HTML
) rethrows -> HTML {
    var markup = opening(name, attributes)
    markup += try content().markup
    markup += "</\(name)>"
    return HTML(markup: markup)
}

/// Returns a void element, which has no content and no end tag: `input`, `link`, `meta`.
package func void(_ name: StaticString, _ attributes: KeyValuePairs<StaticString, String?> = [:]) -> HTML {
    HTML(markup: opening(name, attributes))
}

private func opening(_ name: StaticString, _ attributes: KeyValuePairs<StaticString, String?>) -> String {
    var markup = "<\(name)"
    for (key, value) in attributes {
        guard let value else { continue }
        markup += value.isEmpty ? " \(key)" : " \(key)=\"\(HTML.escaped(value))\""
    }
    return markup + ">"
}

/// Builds a fragment from text, which it escapes, and other fragments.
@resultBuilder
package enum HTMLBuilder {
    package static func buildExpression(_ text: String) -> HTML { HTML(text) }
    package static func buildExpression(_ html: HTML) -> HTML { html }
    package static func buildExpression(_ html: HTML?) -> HTML { html ?? .nothing }
    package static func buildExpression(_ parts: [HTML]) -> HTML { buildArray(parts) }
    package static func buildOptional(_ html: HTML?) -> HTML { html ?? .nothing }
    package static func buildEither(first: HTML) -> HTML { first }
    package static func buildEither(second: HTML) -> HTML { second }

    package static func buildBlock(_ parts: HTML...) -> HTML { buildArray(parts) }

    package static func buildArray(_ parts: [HTML]) -> HTML {
        var markup = ""
        for part in parts { markup += part.markup }
        return HTML(markup: markup)
    }
}
