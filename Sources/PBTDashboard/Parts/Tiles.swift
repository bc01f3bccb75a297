// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTReport

/// The few numbers that say how an experiment stands.
struct Tiles {
    let opened: ExperimentContext

    var html: HTML {
        tag("dl", ["id": "live-tiles", "class": "tiles"]) {
            best
            tile("intervals", progress, note: progressNote)
            if experiment.kind == .populationBasedTraining {
                tile("copies", "\(history.copies)", note: "a member took over another's checkpoint")
                tile(
                    "founders left", "\(history.families.foundersLeft) / \(history.families.founders)",
                    note: "founders with descendants today")
            } else {
                tile("members", "\(history.families.population.count)")
            }
            if let versus { tile("vs random search", versus, note: "best against the random search's best") }
            time
        }
    }

    private var history: History { opened.history }
    private var record: ExperimentRecord { opened.record }
    private var experiment: Experiment { opened.experiment }

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
            "div", ["class": "tile best", "title": "\(metric), \(Formatting.words(opened.goal)); the best ever"]
        ) {
            tag("dt") {
                "★ best, "
                tag(
                    "a", ["href": Links.member(best.id.member, of: opened.name, interval: best.id.index), "id": "best"]
                ) {
                    best.id.description
                }
            }
            tag("dd") {
                Formatting.score(best.score)
                " \(Formatting.arrow(opened.goal))"
            }
        }
    }

    private var metric: String {
        PlainText.middle(PlainText.line(experiment.objective.metric), width: 20)
    }

    private var progress: String {
        experiment.isEndless
            ? "\(record.intervalsFinished)" : "\(record.intervalsFinished) / \(record.intervalsPlanned)"
    }

    private var progressNote: String {
        let counts = Interval.State.allCases.compactMap { state in
            record.counts[state].flatMap { $0 > 0 ? "\($0) \(state.rawValue)" : nil }
        }
        return counts.joined(separator: ", ")
    }

    private var versus: String? {
        guard let best = history.best?.score, let baseline = history.baselineBest?.score else { return nil }
        return Formatting.difference(best, baseline)
    }

    private var time: HTML {
        if let ended = record.ended { return tile("took", Formatting.duration(ended.since(record.created))) }
        if let left { return tile("left, about", Formatting.duration(left), note: "at the pace so far") }
        return tile("since", Formatting.duration(opened.now.since(record.created)))
    }

    /// How long it will take at the pace so far; none while there is no pace.
    private var left: Duration? {
        let finished = record.intervalsFinished
        guard record.state == .running, opened.running.count > opened.stalled.count, !experiment.isEndless,
            finished > 0,
            record.intervalsPlanned > finished,
            let began = history.columns.zero
        else { return nil }
        return Duration(
            saturatingSeconds: opened.now.since(began).seconds * Double(record.intervalsPlanned - finished)
                / Double(finished))
    }
}
