// SPDX-License-Identifier: Apache-2.0

extension HTML {
    /// Returns a chart as an inline SVG element.
    package static func picture(_ chart: Chart) -> HTML {
        HTML(markup: chart.svg)
    }

    /// Returns the table of a chart's data; columns of numbers have the class `number`.
    package static func table(_ data: ChartTable) -> HTML {
        let styles = data.columns.map { $0.alignment == .right ? "number" : nil }
        let headings = zip(data.columns, styles).map { ColumnHeading(HTML($0.title), class: $1) }
        let note = data.note.map { " (\($0))" } ?? ""
        return PBTReport.table(headings, caption: data.caption + note) {
            for row in data.rows {
                tag("tr") {
                    for (cell, style) in zip(row, styles) { tag("td", ["class": style]) { cell } }
                }
            }
        }
    }
}

extension ChartTable {
    /// The table as an HTML element, with all text escaped; columns of numbers have the class `number`.
    public var html: String {
        HTML.table(self).markup
    }
}
