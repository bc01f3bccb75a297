// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTCheckpoints
import PBTHTTP
import PBTServer
import PBTReport
import SystemPackage

/// The page of a member: its status, its ancestry, and its intervals.
struct MemberPage {
    let experiment: ExperimentContext
    let member: Int

    func reply() async throws -> Reply {
        let rows = experiment.memberRows()
        guard let row = rows.first(where: { $0.member == member }) else {
            throw PBTError(
                .noSuchInterval,
                "experiment \"\(experiment.name)\" has no member \(member); "
                    + (rows.isEmpty ? "there are none yet" : "it has \(Formatting.count(rows.count, "member")), from 0")
            )
        }
        let own = Array(experiment.history.intervals(ofMember: member))
        let shown = try selected(row, own)
        var options = experiment.options.chart(of: experiment.history, theme: .page)
        options.tip = shown.id
        await experiment.snapshot.prefetch([.curves, .schedule], options)
        return experiment.layout("Member \(member)").reply {
            tag("section", ["id": "live-member", "class": "card wide"]) {
                tag("h2") {
                    "Member \(member)"
                    if shown.id != row.newest.id { ", interval \(shown.id.index)" }
                }
                facts(row, shown)
                LogView(experiment: experiment, interval: shown).html
            }
            ancestry(shown)
            tag("div", ["class": "grid"]) {
                ChartCard(experiment: experiment, kind: .curves, options: options, title: "Learning curve").html
                ChartCard(experiment: experiment, kind: .schedule, options: options, title: "Schedule").html
            }
            PathLine.html
            MemberIntervalsTable(experiment: experiment, own: own).html
            commands(shown)
        }
    }

    /// Returns the interval that the URL names, or the newest.
    ///
    /// - Throws: A `PBTError` with code `noSuchInterval`.
    private func selected(_ row: MemberRow, _ own: [Interval]) throws -> Interval {
        guard let text = experiment.options["interval"] else { return row.newest }
        guard let interval = own.first(where: { "\($0.id.index)" == text }) else {
            throw PBTError(
                .noSuchInterval,
                "member \(member) of \"\(experiment.name)\" has no interval \(text.prefix(40)); its newest is "
                    + "\(row.newest.id.index)")
        }
        return row.newest.id == interval.id ? row.newest : interval
    }

    private func fact(_ title: HTML, @HTMLBuilder _ content: () -> HTML) -> HTML {
        tag("div", ["class": "tile"]) {
            tag("dt") { title }
            tag("dd", [:], content)
        }
    }

    private func facts(_ row: MemberRow, _ shown: Interval) -> HTML {
        let isNewest = shown.id == row.newest.id
        let metric = experiment.definition.objective.metric
        let files = experiment.history.modelFiles(of: shown)
        return tag("dl", ["class": "tiles small"]) {
            if let job = shown.label { fact(HTML("job")) { tag("code") { PlainText.line(job) } } }
            fact(HTML("state")) { isNewest ? StateTag.member(row.status) : StateTag.interval(shown.state) }
            fact(Formatting.name(metric, width: 24) + HTML(" \(Formatting.arrow(experiment.goal))")) {
                Formatting.score(isNewest ? row.score : shown.score)
            }
            fact(HTML("interval")) { "\(shown.id.index)" }
            fact(HTML("training depth")) { Formatting.count(shown.depth, "interval") }
            fact(HTML("copies")) { "\(row.copies)" }
            if let worker = shown.worker { fact(HTML("worker")) { Formatting.worker(worker) } }
            for name in experiment.definition.space.ordered(shown.hyperparameters.names) {
                fact(Formatting.name(name, width: 24)) { Formatting.value(shown.hyperparameters[name]) }
            }
            for name in shown.metrics.keys.sorted() where name != metric && !files.contains(where: { $0.key == name }) {
                fact(Formatting.name(name, width: 24)) { Formatting.value(shown.metrics[name]) }
            }
            if let reason = shown.reason, shown.state != .done {
                fact(HTML("failure reason")) { PlainText.middle(PlainText.line(reason), width: 300) }
            }
            for file in files { fact(Formatting.name(file.key)) { tag("code") { PlainText.line(file.path) } } }
            if shown.checkpointState == .kept, let checkpoint = shown.checkpoint {
                if !experiment.history.keepsFilesElsewhere(shown) {
                    fact(HTML("checkpoint")) {
                        tag("code") {
                            experiment.request.server.data?.checkpoint(named: checkpoint, of: experiment.name)?.string
                                ?? checkpoint
                        }
                    }
                } else if files.isEmpty {
                    fact(HTML("checkpoint")) {
                        tag(
                            "span",
                            ["title": "Its client keeps its files; its results name no model_path or weights_path."]
                        ) { "none here" }
                    }
                }
            }
        }
    }

    private func ancestry(_ shown: Interval) -> HTML {
        let pieces = experiment.history.pieces(to: shown.id)
        return tag("nav", ["id": "live-ancestry", "class": "card wide strip", "aria-label": "ancestry"]) {
            tag("h2") { "Ancestry" }
            for (place, piece) in pieces.enumerated() {
                if place > 0 { piece.isCopy ? " ⇒ " : " → " }
                let last = place + 1 == pieces.count ? shown.id.index : piece.indices.upperBound
                tag(
                    "a",
                    [
                        "href": Links.member(piece.member, of: experiment.name, interval: last),
                        "data-p": "\(piece.id)",
                        "title": "member \(piece.member), intervals \(piece.indices.lowerBound) to \(last)",
                    ]
                ) { "\(piece.member)@\(piece.indices.lowerBound)\(last > piece.indices.lowerBound ? "–\(last)" : "")" }
            }
            tag("p", ["class": "note"]) { "From the founder to this interval; ⇒ marks a copy of another member." }
        }
    }

    private func commands(_ shown: Interval) -> HTML {
        let (request, name) = (experiment.request, experiment.name)
        let commands = [
            request.command("lineage", name, "\(member)"), request.command("explain", name, "\(shown.id)"),
            request.command("schedule", name, "\(member)", "-o", "json"),
        ]
        return tag("section", ["class": "card wide"]) {
            tag("h2") { "On the command line" }
            tag("p") {
                for command in commands {
                    tag("code", ["class": "command"]) { command }
                    " "
                }
            }
        }
    }
}
