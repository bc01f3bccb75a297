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
        let experiment = try await open(nil)
        guard isFile else { return ChartPage(experiment: experiment, kind: kind).reply() }
        let theme: Chart.Theme = call.query["theme"] == "dark" ? .dark : .light
        let chart = Chart.drawn(
            kind, of: experiment.history, options: experiment.options.chart(of: experiment.history, theme: theme))
        return Reply.bytes(Array(chart.svg.utf8), type: "image/svg+xml")
            .with(.contentSecurityPolicy, "default-src 'none'")
    }
}

/// One picture, large, with its files.
struct ChartPage {
    let experiment: ExperimentContext
    let kind: Chart.Kind

    func reply() -> Reply {
        experiment.layout(kind.title).reply {
            ChartCard(experiment: experiment, kind: kind, isAlone: true).html
            PathLine.html
            tag("p", ["class": "note"]) {
                "As a file: "
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
