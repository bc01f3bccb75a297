// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTReport

/// The key figures of an experiment.
struct Tiles {
    let experiment: ExperimentContext

    var html: HTML {
        tag("dl", ["id": "live-tiles", "class": "tiles"]) {
            best
            tile("intervals", progress, note: progressNote)
            if definition.kind == .populationBasedTraining {
                tile("copies", "\(history.copies)", note: "members that continued from a copy of another")
                tile(
                    "founders left", "\(history.families.foundersLeft) / \(history.families.founders)",
                    note: "founders with descendants in the current population")
            } else {
                tile("members", "\(history.families.population.count)")
            }
            if let verdict = history.verdict { tile("vs. \(history.baselineWords)", verdict.short, note: verdict.text) }
            for metric in history.otherMetrics.prefix(4) {
                tile(
                    PlainText.middle(PlainText.line(metric.name), width: 20), metric.valueText,
                    note: metric.text + ", of the best")
            }
            time
        }
    }

    private var history: History { experiment.history }
    private var record: ExperimentRecord { experiment.record }
    private var definition: Experiment { experiment.definition }

    private func tile(_ title: String, _ value: String, note: String? = nil) -> HTML {
        tile(title, HTML(value), note: note)
    }

    private func tile(_ title: String, _ value: HTML, note: String? = nil) -> HTML {
        tag("div", ["class": "tile", "title": note]) {
            tag("dt") { title }
            tag("dd") { value }
        }
    }

    private var best: HTML {
        guard let best = history.best else { return tile("best \(metric)", "–") }
        return tag(
            "div", ["class": "tile best", "title": "\(metric), \(Formatting.words(experiment.goal)); the best so far"]
        ) {
            tag("dt") {
                "★ best, "
                tag(
                    "a",
                    ["href": Links.member(best.id.member, of: experiment.name, interval: best.id.index), "id": "best"]
                ) {
                    best.id.description
                }
            }
            tag("dd") {
                Formatting.score(best.score)
                " \(Formatting.arrow(experiment.goal))"
            }
        }
    }

    private var metric: String {
        PlainText.middle(PlainText.line(definition.objective.metric), width: 20)
    }

    private var progress: String {
        definition.isEndless
            ? "\(record.intervalsFinished)" : "\(record.intervalsFinished) / \(record.intervalsPlanned)"
    }

    private var progressNote: String {
        let counts = Interval.State.allCases.compactMap { state in
            record.counts[state].flatMap { $0 > 0 ? "\($0) \(state.rawValue)" : nil }
        }
        return counts.joined(separator: ", ")
    }

    private var time: HTML {
        if let ended = record.ended { return tile("took", Formatting.duration(ended.since(record.created))) }
        if let left { return tile("time left (est.)", Formatting.duration(left), note: "at the average rate so far") }
        return tile("elapsed", Formatting.duration(experiment.now.since(record.created)))
    }

    /// The estimated time left at the average rate so far; none without an active worker or a finished interval.
    private var left: Duration? {
        let finished = record.intervalsFinished
        guard record.state == .running, experiment.running.count > experiment.stalled.count, !definition.isEndless,
            finished > 0,
            record.intervalsPlanned > finished,
            let began = history.columns.zero
        else { return nil }
        return Duration(
            saturatingSeconds: experiment.now.since(began).seconds * Double(record.intervalsPlanned - finished)
                / Double(finished))
    }
}
