// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTHTTP
import PBTReport

/// The page of all members of an experiment.
struct MembersPage {
    let experiment: ExperimentContext

    /// The number of members per page.
    private static let limit = 100

    func reply() -> Reply {
        let all = experiment.memberRows()
        let text = experiment.options["filter"] ?? ""
        let filter = MemberFilter(text)
        let found = all.filter { filter.accepts($0) }
        let columns = experiment.options["columns"]
        let membersTable = MembersTable(experiment, rows: found, of: all, columns: columns)
        let last = max(0, found.count - 1) / Self.limit
        let page = min(last, max(0, experiment.options["page"].flatMap { Int($0) } ?? 0))
        let shown = membersTable.rows.dropFirst(page * Self.limit).prefix(Self.limit)
        return experiment.layout("Members").reply {
            tag("h2") { "Members" }
            form(text)
            if !all.isEmpty { membersTable.picker(isOpen: columns != nil) }
            tag("section", ["id": "live-members", "class": "card wide"]) {
                if let invalid = filter.invalid {
                    tag("p", ["class": "banner warn"]) { MemberFilter.advice(invalid) }
                }
                if shown.isEmpty {
                    tag("p", ["class": "note"]) {
                        all.isEmpty ? "There are no members yet." : "No members match (\(all.count) in total)."
                    }
                } else {
                    membersTable.html(shown, isSortable: true, caption: "members")
                    membersTable.note
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
            tag("button", [:]) { "Filter" }
            tag("a", ["href": Links.experiment(experiment.name, "members.csv")]) { "CSV" }
            tag("a", ["href": Links.experiment(experiment.name, "members.json")]) { "JSON" }
        }
    }

    private func pages(_ shown: ArraySlice<MemberRow>, of found: Int, _ all: Int, _ page: Int, _ last: Int) -> HTML {
        tag("p", ["class": "note pages"]) {
            "showing \(page * Self.limit + 1)–\(page * Self.limit + shown.count) of \(found)"
            if found < all {
                " matches, \(all) in total · "
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
