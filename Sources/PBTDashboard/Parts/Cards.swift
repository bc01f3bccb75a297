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

/// A picture with its title, what can be changed about it, and what it shows in words.
struct Card {
    let opened: ExperimentContext
    let kind: Chart.Kind
    /// Other options than the page's.
    var options: Chart.Options?
    var title: String?
    /// Whether it is the page's only one, so that nothing leads to a page of its own.
    var isAlone = false

    var html: HTML {
        let chart = opened.snapshot.chart(
            kind, options ?? opened.options.chart(of: opened.history, theme: .page))
        let title = title ?? kind.title
        return tag("section", ["id": "live-\(kind.rawValue)", "class": "card \(kind.rawValue)"]) {
            tag("h2") { title }
            tag("p", ["class": "options"]) {
                choices
                if !isAlone {
                    tag(
                        "a",
                        [
                            "href": Links.experiment(opened.name, "charts/\(kind.rawValue)")
                                + opened.options.query(changing: [:]), "class": "more",
                        ]
                    ) { "data table" }
                }
            }
            tag("div", ["class": "chart scroll", "tabindex": "0", "role": "region", "aria-label": title]) {
                HTML.picture(chart)
            }
            tag("p", ["class": "note"]) { chart.summary }
        }
    }

    /// Links, one for each thing that an option can be; what it is now is no link.
    private func choice(_ name: String, _ title: String, _ values: [(value: String?, words: String)]) -> HTML {
        tag("span", ["class": "choice"]) {
            "\(title) "
            for (value, words) in values {
                if opened.options[name] == value {
                    tag("b") { words }
                } else {
                    tag("a", ["href": opened.options.query(changing: [name: value])]) { words }
                }
                " "
            }
        }
    }

    private var members: Int { opened.history.families.population.count }

    /// The hyperparameters that may change.
    private var mutable: [String] {
        let space = opened.experiment.space
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
                "y", "height",
                [(nil, "linear"), ("log", "log")]
                    + (ViewOptions.bound(of: opened.history) == nil ? [] : [("error", "error")]))
                + choice("x", "across", [(nil, "training"), ("time", "time")])
                + choice(
                    "color", "color",
                    [(nil, "family"), ("founder", "founder"), ("score", "score")]
                        + mutable.prefix(4).map { ($0, PlainText.middle(PlainText.line($0), width: 20)) })
                + (members > 8 ? choice("top", "members", [(nil, "all"), ("8", "the best 8")]) : .nothing)
                + (opened.history.baseline == nil
                    ? .nothing : choice("baseline", "random search", [(nil, "shown"), ("0", "hidden")]))
        case .lineage:
            choice(
                "show", "lives",
                [(Chart.Lanes.all, "all"), (.survivors, "survivors"), (.path, "best only")].map { lanes, words in
                    (lanes == .usual(ofMembers: opened.history.columns.members) ? nil : lanes.rawValue, words)
                })
                + choice("order", "rows", [(nil, "by member"), ("family", "by family")])
        case .scatter, .schedule, .share, .timeline, .comparison, .overview: .nothing
        }
    }
}
