// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTReport

/// The edits of an experiment's definition, newest first.
struct RevisionsTable {
    /// The revisions by number, including the original one.
    let revisions: [Revision]

    /// The maximum number of edits shown.
    private static let limit = 20
    /// The maximum number of changed keys shown per edit.
    private static let keys = 20

    /// The edits that are shown: each with the revision that it recorded, and its changes.
    private var edits: [(revision: Revision, changes: [Experiment.Difference])] {
        zip(revisions.dropFirst(), revisions).suffix(Self.limit).reversed().map { revision, before in
            (revision, revision.experiment.differences(from: before.experiment))
        }
    }

    /// The section, empty while the definition was never edited.
    var html: HTML {
        let count = revisions.count - 1
        return tag("section", ["id": "live-revisions", "class": count > 0 ? "card wide" : nil]) {
            if count > 0 {
                tag("h2") { "Revisions" }
                editsTable
                if count > Self.limit {
                    tag("p", ["class": "note"]) { "showing the newest \(Self.limit) of \(count)" }
                }
            }
        }
    }

    private var editsTable: HTML {
        scrollRegion("revisions") {
            table(["revision", "time (UTC)", "after", "old → new"], class: "events") {
                for (revision, changes) in edits {
                    tag("tr") {
                        tag("td") { "\(revision.number)" }
                        tag("td") {
                            tag("time", ["datetime": "\(revision.time)"]) {
                                "\("\(revision.time)".prefix(10)) \(Formatting.clock(revision.time))"
                            }
                        }
                        tag("td") { Formatting.count(Int(clamping: revision.after), "interval") }
                        tag("td", ["class": "wrap"]) { Self.list(changes) }
                    }
                }
            }
        }
    }

    /// Returns changed keys, each as `key: old → new`.
    static func list(_ changes: [Experiment.Difference]) -> HTML {
        HTMLBuilder.buildArray(
            changes.prefix(keys).enumerated().map { place, change in
                HTML(place > 0 ? ", " : "") + one(change)
            }) + HTML(changes.count > keys ? ", and \(changes.count - keys) more" : "")
    }

    private static func one(_ change: Experiment.Difference) -> HTML {
        HTML(PlainText.line(change.key) + ": ") + tag("code") { PlainText.line(change.oldText) } + HTML(" → ")
            + tag("code") { PlainText.line(change.newText) }
    }
}
