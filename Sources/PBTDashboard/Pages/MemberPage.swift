// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTCheckpoints
import PBTHTTP
import PBTServer
import PBTReport
import SystemPackage

/// One member: where it stands, where it comes from, what it trained.
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
        let shown = try chosen(row, own)
        var options = experiment.options.chart(of: experiment.history, theme: .page)
        options.tip = shown.id
        await experiment.snapshot.drawAhead([.curves, .schedule], options)
        return experiment.layout("Member \(member)").reply {
            tag("section", ["id": "live-member", "class": "card wide"]) {
                tag("h2") {
                    "Member \(member)"
                    if shown.id != row.newest.id { ", interval \(shown.id.index)" }
                }
                facts(row, shown)
                LogView(opened: experiment, interval: shown).html
            }
            ancestry(shown)
            tag("div", ["class": "grid"]) {
                Card(opened: experiment, kind: .curves, options: options, title: "Its learning curve").html
                Card(opened: experiment, kind: .schedule, options: options, title: "Its schedule").html
            }
            PathLine.html
            MemberIntervals(experiment: experiment, own: own).html
            commands(shown)
        }
    }

    /// The interval that the address names, or the newest.
    private func chosen(_ row: MemberRow, _ own: [Interval]) throws -> Interval {
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
        let (words, style) =
            isNewest
            ? row.state(retries: experiment.experiment.retries, isOver: experiment.record.state.isOver)
            : (shown.state.rawValue, shown.state == .done ? "finished" : "bad")
        let metric = experiment.experiment.objective.metric
        return tag("dl", ["class": "tiles small"]) {
            fact(HTML("state")) { tag("span", ["class": "tag \(style)"]) { words } }
            fact(Formatting.name(metric, width: 24) + HTML(" \(Formatting.arrow(experiment.goal))")) {
                Formatting.score(isNewest ? row.score : shown.score)
            }
            fact(HTML("interval")) { "\(shown.id.index)" }
            fact(HTML("trained for")) { Formatting.count(shown.depth, "interval") }
            fact(HTML("copies")) { "\(row.copies)" }
            if let worker = shown.worker { fact(HTML("worker")) { Formatting.worker(worker) } }
            for name in shown.hyperparameters.names {
                fact(Formatting.name(name, width: 24)) { Formatting.value(shown.hyperparameters[name]) }
            }
            for name in shown.metrics.keys.sorted() where name != metric {
                fact(Formatting.name(name, width: 24)) { Formatting.value(shown.metrics[name]) }
            }
            if let reason = shown.reason, shown.state != .done {
                fact(HTML("because")) { PlainText.middle(PlainText.line(reason), width: 300) }
            }
            if shown.checkpointState == .kept, let checkpoint = shown.checkpoint {
                fact(HTML("checkpoint")) {
                    tag("code") {
                        experiment.request.server.data?.checkpoint(named: checkpoint, of: experiment.name)?.string
                            ?? checkpoint
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
            tag("p", ["class": "note"]) { "From the founder to here; ⇒ is a copy of another member." }
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

/// The intervals of a member as a table, the newest first.
struct MemberIntervals {
    let experiment: ExperimentContext
    let own: [Interval]

    /// How many intervals are shown.
    private static let limit = 100

    var html: HTML {
        let shown = own.suffix(Self.limit).reversed()
        var children: [IntervalID: [IntervalID]] = [:]
        for interval in experiment.history.exploits {
            if let parent = interval.parent, parent.member == own.first?.id.member {
                children[parent, default: []].append(interval.id)
            }
        }
        return tag("section", ["id": "live-intervals", "class": "card wide"]) {
            tag("h2") { "Intervals" }
            tag("div", ["class": "scroll", "tabindex": "0", "role": "region", "aria-label": "intervals"]) {
                tag("table") {
                    tag("thead") {
                        tag("tr") {
                            for (title, isNumber) in Self.titles {
                                tag("th", ["scope": "col", "class": isNumber ? "n" : nil]) { title }
                            }
                        }
                    }
                    tag("tbody") { for interval in shown { row(interval, children[interval.id] ?? []) } }
                }
            }
            if own.count > shown.count {
                tag("p", ["class": "note"]) {
                    "showing the newest \(shown.count) of \(own.count) · "
                    tag("a", ["href": Links.experiment(experiment.name, "members.csv")]) { "all as CSV" }
                }
            }
        }
    }

    private static let titles = [
        ("interval", true), ("state", false), ("score", true), ("from", false), ("changed", false),
        ("copied by", false), ("took", true), ("worker", false),
    ]

    private func row(_ interval: Interval, _ children: [IntervalID]) -> HTML {
        tag("tr", ["data-p": experiment.piece(of: interval.id).map { "\($0)" }]) {
            tag("th", ["scope": "row", "class": "n"]) {
                tag("a", ["href": Links.member(interval.id.member, of: experiment.name, interval: interval.id.index)]) {
                    "\(interval.id.index)"
                }
            }
            tag("td") { interval.state.rawValue }
            tag("td", ["class": "n"]) { Formatting.score(interval.score) }
            tag("td") {
                if let parent = interval.parent { Links.interval(parent, of: experiment.name) } else { "founder" }
            }
            tag("td") { ChangesText(changes: interval.changes).html }
            tag("td") {
                for child in children {
                    Links.interval(child, of: experiment.name)
                    " "
                }
            }
            tag("td", ["class": "n"]) {
                if let started = interval.started, let finished = interval.finished {
                    Formatting.duration(finished.since(started))
                } else {
                    "–"
                }
            }
            tag("td") { if let worker = interval.worker { Formatting.worker(worker) } else { "–" } }
        }
    }
}

/// What explore changed: `learning_rate 0.01 → 0.008 (×0.8)`.
struct ChangesText {
    let changes: [Change]

    var html: HTML {
        HTMLBuilder.buildArray(
            changes.enumerated().map { place, change in
                HTML(place > 0 ? ", " : "") + Formatting.name(change.name, width: 24) + HTML(" ")
                    + Formatting.value(change.old) + HTML(" → ") + Formatting.value(change.new)
                    + HTML(" (\(PlainText.line(change.operation)))")
            })
    }
}
