// SPDX-License-Identifier: Apache-2.0

/// A part of a page.
///
/// Text becomes part of it by ``HTMLBuilder`` or ``tag(_:_:_:)``, which escape it; nothing else takes a `String`.
package struct HTML: Sendable, Hashable {
    /// The markup.
    package fileprivate(set) var markup = ""

    /// Text, escaped.
    package init(_ text: String) {
        markup = Self.escaped(text)
    }

    /// Markup as it is; only for what this target writes itself.
    init(markup: String) {
        self.markup = markup
    }

    /// Nothing.
    package static let nothing = HTML(markup: "")

    /// A style sheet of the project's own, with nothing in it that comes from outside.
    static func style(_ sheet: String) -> HTML {
        HTML(markup: "<style>\(sheet)</style>")
    }

    /// The whole document around a head and a body.
    package static func document(@HTMLBuilder _ content: () throws -> HTML) rethrows -> HTML {
        HTML(markup: "<!DOCTYPE html>\n" + (try tag("html", ["lang": "en"], content)).markup + "\n")
    }

    /// Parts one after the other.
    package static func + (a: HTML, b: HTML) -> HTML {
        HTML(markup: a.markup + b.markup)
    }

    /// Whether there is nothing in it.
    package var isEmpty: Bool {
        markup.isEmpty
    }

    /// Text as a page takes it: without what HTML reserves, control characters, and what turns the reading direction.
    package static func escaped(_ text: String) -> String {
        XML.escaped(text, isLine: false, isolates: false)
    }
}

/// An element.
///
/// - Parameters:
///   - name: Its name.
///   - attributes: Its attributes, whose values are escaped; those whose value is none are left out.
///   - content: What is in it.
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

/// An element that holds nothing and has no end: `input`, `link`, `meta`.
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

/// Puts parts of a page one after the other.
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
