// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTReport

/// The edits of an experiment's definition, newest first.
struct RevisionsTable {
    /// The experiment's revisions by number, the one that it was created with among them.
    let revisions: [Revision]

    /// How many edits are shown.
    private static let limit = 20
    /// How many changed keys of one edit are shown.
    private static let keys = 20

    /// One edit: the revision that it recorded, and what it changed.
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
                table
                if count > Self.limit {
                    tag("p", ["class": "note"]) { "showing the newest \(Self.limit) of \(count)" }
                }
            }
        }
    }

    private var table: HTML {
        tag("div", ["class": "scroll", "tabindex": "0", "role": "region", "aria-label": "revisions"]) {
            tag("table", ["class": "events"]) {
                tag("thead") {
                    tag("tr") {
                        tag("th", ["scope": "col"]) { "revision" }
                        tag("th", ["scope": "col"]) { "time (UTC)" }
                        tag("th", ["scope": "col"]) { "after" }
                        tag("th", ["scope": "col"]) { "old → new" }
                    }
                }
                tag("tbody") {
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
    }

    /// Changed keys, each as `key: old → new`.
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
