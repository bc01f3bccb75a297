// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTReport

extension Chart.Kind {
    /// The pictures that pages and files have.
    static let onPages: [Chart.Kind] = [.curves, .schedule, .lineage, .share, .scatter, .timeline]

    /// What its part of a page is called.
    var title: String {
        switch self {
        case .curves: "Learning curves"
        case .schedule: "Schedule"
        case .lineage: "Lineage"
        case .share: "Founder share"
        case .timeline: "Time of the workers"
        case .scatter: "Hyperparameters"
        case .comparison: "Comparison"
        case .overview: "Overview"
        }
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
