// SPDX-License-Identifier: Apache-2.0

import PBT

/// A report of one or several experiments as a self-contained HTML page.
///
/// It contains all charts, tables and styles, makes no network requests and contains no scripts; its content security
/// policy allows neither. It follows the reader's light or dark color scheme, and has charts for wide and narrow
/// windows.
public enum Report {
    /// Returns the page.
    ///
    /// Deterministic: the same histories give the same bytes.
    ///
    /// - Parameters:
    ///   - histories: The experiments; several are compared first, and must have the same objective.
    ///   - storeOption: The option that names the store in commands on the page: `--store` and the store.
    /// - Returns: An HTML document.
    public static func html(of histories: [History], storeOption: [String] = []) -> String {
        let sheet = ReportStyle.sheet
        let digest = Base64.text(of: SecureHash.sha256(Array(sheet.utf8)))
        let policy = "default-src 'none'; style-src 'sha256-\(digest)'; base-uri 'none'; form-action 'none'"
        let names = histories.map { PlainText.line($0.record.experiment.name) }
        let isAlone = histories.count == 1
        let parts = histories.enumerated().map {
            ReportPart($1, number: $0 + 1, isAlone: isAlone, storeOption: storeOption)
        }
        return HTML.document {
            tag("head") {
                void("meta", ["charset": "utf-8"])
                void("meta", ["http-equiv": "Content-Security-Policy", "content": policy])
                void("meta", ["name": "viewport", "content": "width=device-width, initial-scale=1"])
                void("meta", ["name": "color-scheme", "content": "light dark"])
                void("meta", ["name": "referrer", "content": "no-referrer"])
                void("meta", ["name": "generator", "content": "swift-pbt"])
                tag("title") { names.isEmpty ? "PBT" : names.joined(separator: ", ") + " · PBT" }
                HTML.style(sheet)
            }
            tag("body") {
                tag("header") {
                    tag("h1") { isAlone ? names[0] : "Comparison of \(histories.count) experiments" }
                    contents(parts, isAlone: isAlone)
                }
                tag("main") {
                    if !isAlone { comparison(of: histories) }
                    for part in parts { part.html }
                }
            }
        }.markup
    }

    private static func contents(_ parts: [ReportPart], isAlone: Bool) -> HTML {
        tag("nav", ["aria-label": "Contents"]) {
            if let part = parts.first, isAlone {
                for section in part.sections { link(section.title, to: section.id) }
            } else {
                link("Comparison", to: "comparison")
                for part in parts { link(part.name, to: part.id) }
            }
        }
    }

    private static func link(_ title: String, to id: String) -> HTML {
        tag("a", ["href": "#\(id)"]) { title } + HTML(" ")
    }

    private static func comparison(of all: [History]) -> HTML {
        // A random search that is compared by name is not shown again as the baseline of another.
        let names = Set(all.map(\.record.experiment.name))
        let histories = all.map { history in
            guard let baseline = history.record.experiment.baseline, names.contains(baseline.name) else {
                return history
            }
            return History(history.record, intervals: history.genealogy.intervals)
        }
        return tag("section", ["id": "comparison"]) {
            tag("h2") { "Comparison" }
            ReportPart.picture { Chart.comparison(of: histories, options: $0) }
            scrollRegion("Best scores") { HTML.table(.comparison(of: histories)) }
            ReportPart.details("Settings that differ", ReportTables.differences(of: histories))
        }
    }
}
