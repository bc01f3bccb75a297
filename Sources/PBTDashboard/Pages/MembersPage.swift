// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTHTTP
import PBTReport

/// All members of an experiment.
struct MembersPage {
    let experiment: ExperimentContext

    /// How many members a page shows.
    private static let limit = 100

    func reply() -> Reply {
        let all = experiment.memberRows()
        let text = experiment.options["filter"] ?? ""
        let filter = MemberFilter(text)
        let found = all.filter { filter.accepts($0, experiment) }
        let chosen = experiment.options["columns"]
        let table = MembersTable(experiment, rows: found, of: all, columns: chosen)
        let last = max(0, found.count - 1) / Self.limit
        let page = min(last, max(0, experiment.options["page"].flatMap { Int($0) } ?? 0))
        let shown = table.rows.dropFirst(page * Self.limit).prefix(Self.limit)
        return experiment.layout("Members").reply {
            tag("h2") { "Members" }
            form(text)
            if !all.isEmpty { table.picker(isOpen: chosen != nil) }
            tag("section", ["id": "live-members", "class": "card wide"]) {
                if let wrong = filter.wrong {
                    tag("p", ["class": "banner warn"]) { MemberFilter.advice(wrong) }
                }
                if shown.isEmpty {
                    tag("p", ["class": "note"]) {
                        all.isEmpty ? "There are no members yet." : "None of the \(all.count) members is like that."
                    }
                } else {
                    table.html(shown, isSortable: true, caption: "members")
                    table.note
                    pages(shown, of: found.count, all.count, page, last)
                }
            }
            PathLine.html
        }
    }

    private func form(_ text: String) -> HTML {
        tag("form", ["class": "filter", "role": "search"]) {
            tag("label") {
                "Filter "
                void(
                    "input",
                    [
                        "type": "search", "name": "filter", "id": "filter", "value": text.isEmpty ? nil : text,
                        "placeholder": "state:failed lr>1e-3 7",
                    ])
            }
            for name in ["sort", "columns"] {
                if let value = experiment.options[name] {
                    void("input", ["type": "hidden", "name": name, "value": value])
                }
            }
            tag("button", [:]) { "filter" }
            tag("a", ["href": Links.experiment(experiment.name, "members.csv")]) { "CSV" }
            tag("a", ["href": Links.experiment(experiment.name, "members.json")]) { "JSON" }
        }
    }

    private func pages(_ shown: ArraySlice<MemberRow>, of found: Int, _ all: Int, _ page: Int, _ last: Int) -> HTML {
        tag("p", ["class": "note pages"]) {
            "showing \(page * Self.limit + 1)–\(page * Self.limit + shown.count) of \(found)"
            if found < all {
                " that fit, of \(all) · "
                tag("a", ["href": experiment.options.query(changing: ["filter": nil, "page": nil])]) { "show all" }
            }
            if page > 0 {
                " · "
                tag("a", ["rel": "prev", "href": experiment.options.query(changing: ["page": "\(page - 1)"])]) {
                    "previous"
                }
            }
            if page < last {
                " · "
                tag("a", ["rel": "next", "href": experiment.options.query(changing: ["page": "\(page + 1)"])]) {
                    "next"
                }
            }
        }
    }
}
