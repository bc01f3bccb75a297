// SPDX-License-Identifier: Apache-2.0

/// The heading of a column of an HTML table.
package struct ColumnHeading: Sendable, Hashable, ExpressibleByStringInterpolation {
    /// The order that a column's rows are in.
    package enum Order: String, Sendable, Hashable {
        case ascending, descending
    }

    private let content: HTML
    private let style: String?
    private let order: Order?

    /// Creates a heading.
    ///
    /// - Parameters:
    ///   - content: The title, or a link that sorts by the column.
    ///   - style: The class of the cell; none for columns of text.
    ///   - order: The order of the rows when they are sorted by this column.
    package init(_ content: HTML, class style: String? = nil, order: Order? = nil) {
        self.content = content
        self.style = style
        self.order = order
    }

    /// Creates the heading of a column of text.
    package init(stringLiteral title: String) {
        self.init(HTML(title))
    }

    /// Returns the heading of a column of numbers, which has the class `n`.
    package static func number(_ title: String) -> ColumnHeading {
        ColumnHeading(HTML(title), class: "n")
    }

    /// The cell.
    var html: HTML {
        tag("th", ["scope": "col", "class": style, "aria-sort": order?.rawValue]) { content }
    }
}

/// Returns a table with a row of headings.
///
/// - Parameters:
///   - headings: The columns, from left to right; without any there is no row of headings.
///   - style: The class of the table.
///   - caption: The title that is part of the table.
///   - rows: The rows, each an element `tr`.
/// - Returns: The element `table`.
/// - Throws: What `rows` throws.
package func table(
    _ headings: [ColumnHeading], class style: String? = nil, caption: String? = nil,
    @HTMLBuilder rows: () throws -> HTML
) rethrows -> HTML {
    try tag("table", ["class": style]) {
        if let caption { tag("caption") { caption } }
        if !headings.isEmpty {
            tag("thead") { tag("tr") { for heading in headings { heading.html } } }
        }
        try tag("tbody", [:], rows)
    }
}

/// Returns a region that scrolls by itself where its content is wider or higher than the page allows.
///
/// - Parameters:
///   - label: The name of the region, for screen readers.
///   - content: The content, such as a table.
/// - Returns: An element that can be focused, so that it can be scrolled by the keyboard.
/// - Throws: What `content` throws.
package func scrollRegion(_ label: String, @HTMLBuilder _ content: () throws -> HTML) rethrows -> HTML {
    try tag("div", ["class": "scroll", "tabindex": "0", "role": "region", "aria-label": label], content)
}
