// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTReport

/// A chart with its title, its options, and its summary.
struct ChartCard {
    let experiment: ExperimentContext
    let kind: Chart.Kind
    /// The options of the chart; the page's by default.
    var options: Chart.Options?
    /// The title; that of the kind by default.
    var title: String?
    /// A Boolean value indicating whether this is the chart's own page, which then has no link to it.
    var isAlone = false

    var html: HTML {
        let chart = experiment.snapshot.chart(
            kind, options ?? experiment.options.chart(of: experiment.history, theme: .page))
        let title = title ?? kind.title
        return tag("section", ["id": "live-\(kind.rawValue)", "class": "card \(kind.rawValue)"]) {
            tag("h2") { title }
            tag("p", ["class": "options"]) {
                choices
                if !isAlone {
                    tag(
                        "a",
                        [
                            "href": Links.experiment(experiment.name, "charts/\(kind.rawValue)")
                                + experiment.options.query(changing: [:]), "class": "more",
                        ]
                    ) { "View data" }
                }
            }
            tag("div", ["class": "chart scroll", "tabindex": "0", "role": "region", "aria-label": title]) {
                HTML.picture(chart)
            }
            tag("p", ["class": "note"]) { chart.summary }
        }
    }

    /// Returns a link for each value of an option; the current value is plain text.
    private func choice(_ name: String, _ title: String, _ values: [(value: String?, words: String)]) -> HTML {
        tag("span", ["class": "choice"]) {
            "\(title) "
            for (value, words) in values {
                if experiment.options[name] == value {
                    tag("b") { words }
                } else {
                    tag("a", ["href": experiment.options.query(changing: [name: value])]) { words }
                }
                " "
            }
        }
    }

    private var members: Int { experiment.history.families.population.count }

    /// The hyperparameters that can change during training.
    private var mutable: [String] {
        let space = experiment.definition.space
        return space.names.filter { name in
            guard let dimension = space[name], dimension.isMutable else { return false }
            if case .constant = dimension.domain { return false }
            return true
        }
    }

    private var choices: HTML {
        switch kind {
        case .curves:
            choice(
                "y", "y-axis:",
                [(nil, "linear"), ("log", "log")]
                    + (ViewOptions.bound(of: experiment.history) == nil ? [] : [("error", "error")]))
                + choice("x", "x-axis:", [(nil, "intervals"), ("time", "wall time")])
                + choice(
                    "color", "color:",
                    [(nil, "family"), ("founder", "founder"), ("score", "score")]
                        + mutable.prefix(4).map { ($0, PlainText.middle(PlainText.line($0), width: 20)) })
                + (members > 8 ? choice("top", "members:", [(nil, "all"), ("8", "top 8")]) : .nothing)
                + (experiment.history.baseline == nil
                    ? .nothing : choice("baseline", "baseline:", [(nil, "on"), ("0", "off")]))
        case .lineage:
            choice(
                "show", "show:",
                [(Chart.Lanes.all, "all"), (.survivors, "survivors"), (.path, "best lineage")].map { lanes, words in
                    (lanes == .usual(ofMembers: experiment.history.columns.members) ? nil : lanes.rawValue, words)
                })
                + choice("order", "order:", [(nil, "by member"), ("family", "by family")])
        case .scatter:
            choice("stars", "best of each interval:", [(nil, "off"), ("1", "★ on")])
        case .schedule, .share, .timeline, .comparison, .overview: .nothing
        }
    }
}
