// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTReport

extension Chart.Kind {
    /// The charts that have a page and a file of their own.
    static let onPages: [Chart.Kind] = [.curves, .schedule, .lineage, .share, .scatter, .timeline]

    /// The title of its section.
    var title: String {
        switch self {
        case .curves: "Learning curves"
        case .schedule: "Schedule"
        case .lineage: "Lineage"
        case .share: "Founder share"
        case .timeline: "Worker timeline"
        case .scatter: "Hyperparameters"
        case .comparison: "Comparison"
        case .overview: "Overview"
        }
    }

    /// Returns the data of a chart, and further tables that belong to it.
    func tables(of history: History, _ options: ViewOptions) -> [TableView] {
        switch self {
        case .curves:
            [
                TableView(data: .scores(of: history), id: "scores"),
                TableView(data: .curves(of: history), id: "curves"),
            ]
        case .schedule:
            [
                TableView(data: .schedule(of: history, tip: options.tip), id: "schedule"),
                TableView(data: .operators(of: history), id: "operators"),
            ]
        case .lineage: [TableView(data: .lineage(of: history), id: "lineage")]
        case .share:
            [
                TableView(data: .share(of: history), id: "share"),
                TableView(data: .diversity(of: history), id: "diversity"),
            ]
        case .scatter: [TableView(data: .scatter(of: history), id: "scatter")]
        case .timeline:
            [TableView(data: .timeline(of: history, showsBaseline: options.showsBaseline), id: "timeline")]
        // Its data are on its own page.
        case .comparison: []
        case .overview: Self.curves.tables(of: history, options) + Self.schedule.tables(of: history, options)
        }
    }
}
