// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTHTTP
import PBTReport

/// The page of all members of an experiment, or of all its intervals.
struct MembersPage {
    let experiment: ExperimentContext

    /// The numbers of rows per page that the page offers.
    private static let sizes = [25, 100, 250]
    /// The number of rows per page without `?size=`.
    private static let size = 100

    /// The rows of the page, and its options.
    private struct Content {
        let kind: RowKind
        let all: [MemberRow]
        let filter: MemberFilter
        let table: MembersTable
        let size: Int
        let page: Int
        let shown: ArraySlice<MemberRow>
        /// The number of intervals whose jobs were deleted or queued again, which have no row.
        let deleted: Int

        /// The number of the last page, from 0.
        var last: Int { max(0, table.rows.count - 1) / size }
    }

    func reply() throws -> Reply {
        let content = try content()
        let (filter, table, shown) = (content.filter, content.table, content.shown)
        return experiment.layout("Members").reply {
            tag("h2") { words(content.kind).withCapital }
            form
            options(content)
            if !content.all.isEmpty { table.picker(isOpen: experiment.options["columns"] != nil) }
            tag("section", ["id": "live-members", "class": "card wide"]) {
                if let problem = filter.problem {
                    tag("p", ["class": "banner bad", "role": "alert"]) { PlainText.line(problem) }
                }
                if shown.isEmpty {
                    tag("p", ["class": "note"]) {
                        content.all.isEmpty
                            ? "There are no \(words(content.kind)) yet."
                            : "No \(words(content.kind)) match (\(content.all.count) in total)."
                    }
                } else if deletesJobs(content.kind) {
                    deletion(content)
                } else {
                    table.html(shown, isSortable: true, caption: words(content.kind))
                }
                table.note
                if !shown.isEmpty { pages(content) }
                deletedNote(content)
            }
            PathLine.html
        }
    }

    private func content() throws -> Content {
        let options = experiment.options
        let kind = try options.rows ?? (experiment.hasJobs ? .intervals : .members)
        let size = try options.number("size", Self.size, in: 1...500)
        let showsDeleted = try options.number("deleted", 0, in: 0...1) == 1
        let all = experiment.memberRows(kind, includesDeleted: showsDeleted)
        let names = ColumnNames(all, of: experiment.definition)
        let filter = MemberFilter(
            options["filter"] ?? "", names: names,
            ids: kind == .members ? experiment.history.genealogy.intervals : [])
        let found = all.filter { filter.accepts($0) }
        let table = try MembersTable(experiment, rows: found, of: all, names: names, columns: options["columns"])
        let page = min(max(0, found.count - 1) / size, try options.number("page", 0, in: 0...Int.max))
        let deleted =
            kind == .intervals && !showsDeleted ? experiment.history.genealogy.intervals.count - all.count : 0
        return Content(
            kind: kind, all: all, filter: filter, table: table, size: size, page: page,
            shown: table.rows.dropFirst(page * size).prefix(size), deleted: deleted)
    }

    /// Returns the name of the rows.
    private func words(_ kind: RowKind) -> String {
        kind == .intervals && experiment.hasJobs ? "jobs" : kind.rawValue
    }

    private var form: HTML {
        let text = experiment.options["filter"] ?? ""
        return tag("form", ["class": "filter", "role": "search"]) {
            tag("label") {
                "Filter "
                void(
                    "input",
                    [
                        "type": "search", "name": "filter", "id": "filter", "value": text.isEmpty ? nil : text,
                        "placeholder": experiment.hasJobs ? "id, state:failed lr>1e-3" : "state:failed lr>1e-3 7",
                    ])
            }
            for name in ["sort", "columns", "rows", "size", "deleted"] {
                if let value = experiment.options[name] {
                    void("input", ["type": "hidden", "name": name, "value": value])
                }
            }
            tag("button", [:]) { "Filter" }
            tag("a", ["href": Links.experiment(experiment.name, "members.csv")]) { "CSV" }
            tag("a", ["href": Links.experiment(experiment.name, "members.json")]) { "JSON" }
        }
    }

    /// The switches of the rows and of the page's size.
    private func options(_ content: Content) -> HTML {
        tag("p", ["class": "options"]) {
            "rows:"
            for kind in RowKind.allCases {
                option(words(kind), isChosen: kind == content.kind) {
                    ["rows": kind.rawValue, "page": nil, "sort": nil, "columns": nil, "ticked": nil]
                }
            }
            tag("span", ["class": "more"]) { "per page:" }
            for size in Self.sizes {
                option("\(size)", isChosen: size == content.size) { ["size": "\(size)", "page": nil] }
            }
        }
    }

    private func option(
        _ words: String, isChosen: Bool, _ changes: () -> KeyValuePairs<String, String?>
    ) -> HTML {
        isChosen
            ? tag("b") { words } : tag("a", ["href": experiment.options.query(changing: changes())]) { words }
    }

    // MARK: Deletion

    private func deletesJobs(_ kind: RowKind) -> Bool {
        kind == .intervals && experiment.request.mayControl
            && experiment.request.dashboard.deletesJobs(of: experiment.record)
    }

    /// The table with checkboxes, in the form that deletes the selected jobs.
    private func deletion(_ content: Content) -> HTML {
        let isTicked = experiment.options["ticked"] == "1"
        return tag(
            "form", ["action": Links.experiment(experiment.name, "control/\(ControlAction.deleteJobs.rawValue)")]
        ) {
            content.table.html(content.shown, isSortable: true, caption: words(content.kind), selection: isTicked)
            tag("p", ["class": "options"]) {
                tag("button", ["class": "danger"]) { "Delete selected…" }
                tag("a", ["href": experiment.options.query(changing: ["ticked": isTicked ? nil : "1"])]) {
                    isTicked ? "select none" : "select all shown"
                }
            }
        }
    }

    private func deletedNote(_ content: Content) -> HTML {
        guard content.deleted > 0 else { return .nothing }
        return tag("p", ["class": "note"]) {
            "without \(Formatting.count(content.deleted, "finished interval")) whose "
            content.deleted == 1 ? "job was" : "jobs were"
            " deleted or queued again · "
            tag("a", ["href": experiment.options.query(changing: ["deleted": "1"])]) { "show" }
        }
    }

    // MARK: Paging

    private func pages(_ content: Content) -> HTML {
        let (page, found) = (content.page, content.table.rows.count)
        return tag("p", ["class": "note pages"]) {
            "showing \(page * content.size + 1)–\(page * content.size + content.shown.count) of \(found)"
            if found < content.all.count {
                " matches, \(content.all.count) in total · "
                tag("a", ["href": experiment.options.query(changing: ["filter": nil, "page": nil])]) { "show all" }
            }
            if page > 0 { turn("prev", to: page - 1, "previous") }
            if page < content.last { turn("next", to: page + 1, "next") }
        }
    }

    private func turn(_ relation: String, to page: Int, _ words: String) -> HTML {
        HTML(" · ")
            + tag(
                "a", ["rel": relation, "href": experiment.options.query(changing: ["page": "\(page)", "ticked": nil])]
            ) {
                words
            }
    }
}
