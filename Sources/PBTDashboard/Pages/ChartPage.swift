// SPDX-License-Identifier: Apache-2.0

import PBTServer
import HTTPTypes
import PBT
import PBTHTTP
import PBTAPI
import PBTReport

extension PageRequest {
    /// Returns a chart: `curves.svg` as a file, `curves` on a page with its data.
    func chart() async throws -> Reply {
        let name = call["chart"]
        let isFile = name.hasSuffix(".svg")
        let stem = isFile ? String(name.dropLast(4)) : name
        guard let kind = Chart.Kind.onPages.first(where: { $0.rawValue == stem }) else {
            throw Problem(
                404, "noSuchPath",
                "there is no chart \"\(name.prefix(40))\"; the charts are \(Chart.Kind.onPages.map(\.rawValue).joined(separator: ", "))"
            )
        }
        let experiment = try await loadExperiment()
        guard isFile else { return ChartPage(experiment: experiment, kind: kind).reply() }
        let theme: Chart.Theme = call.query["theme"] == "dark" ? .dark : .light
        let chart = Chart.drawn(
            kind, of: experiment.history, options: experiment.options.chart(of: experiment.history, theme: theme))
        return Reply.bytes(Array(chart.svg.utf8), type: "image/svg+xml")
            .with(.contentSecurityPolicy, "default-src 'none'")
    }
}

/// The page of a chart: the chart with links to its files, and its data.
struct ChartPage {
    let experiment: ExperimentContext
    let kind: Chart.Kind

    func reply() -> Reply {
        experiment.layout(kind.title).reply {
            ChartCard(experiment: experiment, kind: kind, isAlone: true).html
            PathLine.html
            tag("p", ["class": "note"]) {
                "Download: "
                file("svg", [:])
                " "
                file("svg, dark", ["theme": "dark"])
            }
            for table in kind.tables(of: experiment.history, experiment.options) { table.html }
        }
    }

    private func file(_ words: String, _ changes: KeyValuePairs<String, String?>) -> HTML {
        tag(
            "a",
            [
                "href": Links.experiment(experiment.name, "charts/\(kind.rawValue).svg")
                    + experiment.options.query(changing: changes)
            ]
        ) { words }
    }
}
