// SPDX-License-Identifier: Apache-2.0

import PBTReport

/// The rows that a picture is drawn from.
struct TableView {
    let table: ChartTable
    /// Its name on the page.
    let id: String

    var html: HTML {
        tag("section", ["id": "live-table-\(id)", "class": "card wide"]) {
            tag("h2") { table.caption }
            if !table.rows.isEmpty {
                tag("div", ["class": "scroll", "tabindex": "0", "role": "region", "aria-label": table.caption]) {
                    tag("table") {
                        tag("thead") {
                            tag("tr") {
                                for column in table.columns {
                                    tag("th", ["scope": "col", "class": style(column)]) {
                                        Formatting.name(column.title, width: 32)
                                    }
                                }
                            }
                        }
                        tag("tbody") {
                            for row in table.rows {
                                tag("tr") {
                                    for (column, cell) in zip(table.columns, row) {
                                        tag("td", ["class": style(column)]) {
                                            column.alignment == .left ? Formatting.name(cell) : HTML(cell)
                                        }
                                    }
                                }
                            }
                        }
                    }
                }
            }
            if let note = table.note { tag("p", ["class": "note"]) { note } }
        }
    }

    private func style(_ column: ChartTable.Column) -> String? {
        column.alignment == .right ? "n" : nil
    }
}

extension Chart.Kind {
    /// The rows of a picture, and what else is told by rows alone.
    func tables(of history: History, _ options: ViewOptions) -> [TableView] {
        switch self {
        case .curves:
            [
                TableView(table: .scores(of: history), id: "scores"),
                TableView(table: .curves(of: history), id: "curves"),
            ]
        case .schedule:
            [
                TableView(table: .schedule(of: history, tip: options.tip), id: "schedule"),
                TableView(table: .operators(of: history), id: "operators"),
            ]
        case .lineage: [TableView(table: .lineage(of: history), id: "lineage")]
        case .share:
            [
                TableView(table: .share(of: history), id: "share"),
                TableView(table: .diversity(of: history), id: "diversity"),
            ]
        case .scatter: [TableView(table: .scatter(of: history), id: "scatter")]
        case .timeline:
            [TableView(table: .timeline(of: history, showsBaseline: options.showsBaseline), id: "timeline")]
        // Has its rows on its own page.
        case .comparison: []
        case .overview: Self.curves.tables(of: history, options) + Self.schedule.tables(of: history, options)
        }
    }
}
