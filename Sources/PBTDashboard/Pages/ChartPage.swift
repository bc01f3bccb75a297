// SPDX-License-Identifier: Apache-2.0

import PBTServer
import HTTPTypes
import PBT
import PBTHTTP
import PBTAPI
import PBTReport

extension PageRequest {
    /// A picture: `curves.svg` as a file, `curves` on a page with the rows that it is drawn from.
    func chart() async throws -> Reply {
        let name = call["chart"]
        let isFile = name.hasSuffix(".svg")
        let wanted = isFile ? String(name.dropLast(4)) : name
        guard let kind = Chart.Kind.onPages.first(where: { $0.rawValue == wanted }) else {
            throw Problem(
                404, "noSuchPath",
                "there is no picture \"\(name.prefix(40))\"; there are \(Chart.Kind.onPages.map(\.rawValue).joined(separator: ", "))"
            )
        }
        let opened = try await open(nil)
        guard isFile else { return ChartPage(opened: opened, kind: kind).reply() }
        let theme: Chart.Theme = call.query["theme"] == "dark" ? .dark : .light
        let chart = Chart.drawn(
            kind, of: opened.history, options: opened.options.chart(of: opened.history, theme: theme))
        return Reply.bytes(Array(chart.svg.utf8), type: "image/svg+xml")
            .with(.contentSecurityPolicy, "default-src 'none'")
    }

    /// The format of a file with all intervals.
    enum Format { case csv, json }

    /// All intervals as a file.
    func members(as format: Format) async throws -> Reply {
        let snapshot = try await dashboard.snapshots.snapshot(of: call.experiment)
        let intervals = snapshot.history.genealogy.intervals
        let file = PathSegment.encode(snapshot.name)
        switch format {
        case .csv:
            return Reply.bytes(Array(IntervalCSV(intervals).text(intervals).utf8), type: "text/csv; charset=utf-8")
                .with(.contentDisposition, "attachment; filename*=UTF-8''\(file).csv")
        case .json:
            return Reply.json(.array(intervals.map(\.api)))
                .with(.contentDisposition, "attachment; filename*=UTF-8''\(file).json")
        }
    }
}

/// One picture, large, with its files.
struct ChartPage {
    let opened: ExperimentContext
    let kind: Chart.Kind

    func reply() -> Reply {
        opened.layout(kind.title).reply {
            Card(opened: opened, kind: kind, isAlone: true).html
            PathLine.html
            tag("p", ["class": "note"]) {
                "As a file: "
                file("svg", [:])
                " "
                file("svg, dark", ["theme": "dark"])
            }
            for table in kind.tables(of: opened.history, opened.options) { table.html }
        }
    }

    private func file(_ words: String, _ changes: KeyValuePairs<String, String?>) -> HTML {
        tag(
            "a",
            [
                "href": Links.experiment(opened.name, "charts/\(kind.rawValue).svg")
                    + opened.options.query(changing: changes)
            ]
        ) { words }
    }
}
