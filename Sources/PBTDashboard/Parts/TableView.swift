// SPDX-License-Identifier: Apache-2.0

import PBTReport

/// The data of a chart as a section of a page.
struct TableView {
    let data: ChartTable
    /// The section's name in the page.
    let id: String

    var html: HTML {
        tag("section", ["id": "live-table-\(id)", "class": "card wide"]) {
            tag("h2") { data.caption }
            if !data.rows.isEmpty {
                scrollRegion(data.caption) {
                    table(headings) {
                        for row in data.rows {
                            tag("tr") {
                                for (column, cell) in zip(data.columns, row) {
                                    tag("td", ["class": style(column)]) {
                                        column.alignment == .left ? Formatting.name(cell) : HTML(cell)
                                    }
                                }
                            }
                        }
                    }
                }
            }
            if let note = data.note { tag("p", ["class": "note"]) { note } }
        }
    }

    private var headings: [ColumnHeading] {
        data.columns.map { ColumnHeading(Formatting.name($0.title, width: 32), class: style($0)) }
    }

    private func style(_ column: ChartTable.Column) -> String? {
        column.alignment == .right ? "n" : nil
    }
}
