// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTCheckpoints
import PBTServer
import PBTReport
import SystemPackage

/// What there is to say about an experiment before anything else: what is wrong, what happens next, how to go on.
struct Banners {
    let opened: ExperimentContext

    /// The banners, the worst first; nothing when all goes its way.
    var html: HTML {
        tag("div", ["id": "live-banners"]) {
            ended
            paused
            stalled
            failed
            idle
            empty
            relation
        }
    }

    private var name: String { opened.name }
    private var record: ExperimentRecord { opened.record }
    private var intervals: [Interval] { opened.history.genealogy.intervals }

    private func banner(_ style: String, @HTMLBuilder _ content: () -> HTML) -> HTML {
        tag("section", ["class": "banner \(style)"], content)
    }

    private func command(_ text: String) -> HTML {
        tag("code", ["class": "command"]) { text }
    }

    // MARK: The end

    private var ended: HTML {
        switch record.state {
        case .failed: return failedWhole
        case .finished: return finished
        case .running, .paused: return .nothing
        }
    }

    private var finished: HTML {
        banner("good") {
            tag("strong") { "Finished" }
            if let reason = record.reason { ": \(PlainText.line(reason))" }
            ". "
            if let best = opened.history.best, let score = best.score {
                "Best "
                Formatting.score(score)
                " by "
                Links.interval(best.id, of: name)
                if let baseline = opened.history.baselineBest?.score {
                    ", \(Formatting.difference(score, baseline)) against random search"
                }
                ". "
                checkpoint(of: best)
                tag("p") {
                    command(opened.request.command("best", name))
                    command(opened.request.command("schedule", name))
                    command(opened.request.command("replay", name))
                }
            } else {
                "No interval was done, so there is no best one."
            }
        }
    }

    private func checkpoint(of best: Interval) -> HTML {
        guard best.checkpointState == .kept, let checkpoint = best.checkpoint else { return .nothing }
        let path = opened.request.server.data?.checkpoint(named: checkpoint, of: name)?.string ?? checkpoint
        return tag("p") {
            "Checkpoint "
            tag("code") { path }
        }
    }

    private var failedWhole: HTML {
        let lost = opened.history.intervals(.failed).min {
            ($0.sequence ?? .max, $0.id) < ($1.sequence ?? .max, $1.id)
        }
        // Where nothing was ever trained, none is lost, and those that were tried wait for a rerun.
        let first =
            lost
            ?? opened.history.intervals(.waiting).filter { $0.attempts > 0 && $0.reason != nil }.min {
                ($0.started ?? $0.created, $0.id) < ($1.started ?? $1.created, $1.id)
            }
        return banner("bad") {
            tag("strong") { "Failed" }
            ": \(PlainText.line(record.reason ?? "it cannot go on")). "
            if let first {
                "The first to fail was "
                Links.interval(first.id, of: name)
                ": "
                tag("q") { PlainText.middle(PlainText.line(first.reason ?? "no reason was given"), width: 300) }
                tag("p") {
                    if let trainer = opened.experiment.trainer {
                        "Command: "
                        command(trainer.command.map { Shell.quoted(PlainText.line($0)) }.joined(separator: " "))
                    }
                }
                LogView(opened: opened, interval: first).html
                tag("p") {
                    "Check that the program runs by itself, then go on with "
                    command(opened.request.command("resume", name))
                }
            }
        }
    }

    // MARK: While it runs

    private var paused: HTML {
        guard record.state == .paused else { return .nothing }
        let count = record.counts[.running] ?? 0
        return banner("quiet") {
            tag("strong") { "Paused" }
            if let reason = record.reason { ": \(PlainText.line(reason))" }
            " after \(record.intervalsFinished) of \(planned) intervals. "
            if count > 0 { "What runs goes on (\(count)); nothing new begins. " }
            "Go on with "
            command(opened.request.command("resume", name))
        }
    }

    private var planned: String {
        opened.experiment.isEndless ? "any number of" : "\(record.intervalsPlanned)"
    }

    private var stalled: HTML {
        let stalled = opened.stalled
        guard let first = stalled.first, let expired = first.leaseExpires else { return .nothing }
        let workers = Set(stalled.compactMap(\.worker))
        return banner("warn") {
            tag("strong") {
                "Worker "
                Formatting.worker(first.worker ?? "?")
                " is silent: its lease ran out \(Formatting.duration(opened.now.since(expired))) ago"
            }
            " — member "
            tag("a", ["href": Links.member(first.id.member, of: name)]) { "\(first.id.member)" }
            if first.failures < opened.experiment.retries {
                " is tried again (\(first.failures + 2) of \(opened.experiment.retries + 1)) as soon as a worker asks for work. "
            } else {
                " has no retries left: it counts as failed as soon as a worker asks for work. "
            }
            if stalled.count > 1 {
                "\(Formatting.count(stalled.count, "interval")) of \(Formatting.count(workers.count, "worker")) in all. "
            }
            tag("a", ["href": Links.experiment(name, "workers")]) { "Workers" }
        }
    }

    private var failed: HTML {
        guard record.state != .failed else { return .nothing }
        let failures = opened.history.intervals(.failed)
        guard let last = failures.max(by: { ($0.sequence ?? 0) < ($1.sequence ?? 0) }) else { return .nothing }
        let next = opened.history.genealogy[IntervalID(member: last.id.member, index: last.id.index + 1)]
        return banner("bad") {
            tag("strong") { "\(Formatting.count(failures.count, "interval")) failed, retries spent" }
            " — the last one "
            Links.interval(last.id, of: name)
            ": "
            tag("q") { PlainText.middle(PlainText.line(last.reason ?? "no reason was given"), width: 200) }
            if let donor = next?.parent {
                "; member \(last.id.member) was revived from "
                Links.interval(donor, of: name)
            } else if next != nil {
                "; member \(last.id.member) started afresh"
            }
            ". "
            tag("a", ["href": Links.experiment(name, "events") + "?only=trouble"]) { "All that went wrong" }
        }
    }

    /// Work is there, nobody does it, and nobody has for a while.
    private var idle: HTML {
        guard record.state == .running, opened.running.isEmpty, (record.counts[.waiting] ?? 0) + record.undecided > 0
        else { return .nothing }
        let last = intervals.indices.reduce(record.created) {
            max($0, intervals[$1].finished ?? intervals[$1].started ?? $0)
        }
        guard record.intervalsFinished > 0, opened.now.since(last) > .seconds(30) else { return .nothing }
        return banner("quiet") {
            tag("strong") { "Nobody works on it" }
            ": no word from any worker since "
            tag("time", ["datetime": "\(last)"]) { "\(last)" }
            ". \(Formatting.count(record.counts[.waiting] ?? 0, "interval waits", "intervals wait")). Go on with "
            command(opened.request.command("run", "FILE"))
            " or "
            command(Shell.command(["pbt", "worker", opened.request.store, name]))
        }
    }

    /// Nothing has a score yet.
    private var empty: HTML {
        guard !record.state.isOver, opened.history.best == nil, record.intervalsFinished == 0 else { return .nothing }
        let isTraining = !opened.running.isEmpty
        return banner("quiet") {
            tag("strong") { "No score yet" }
            if isTraining {
                " — \(Formatting.count(opened.running.count, "member trains", "members train")). "
                if let expected { "The first score is expected in about \(Formatting.duration(expected))." }
            } else if record.state == .running {
                " — \(Formatting.count(record.counts[.waiting] ?? 0, "member waits", "members wait")) for a worker. Start one with "
                command(Shell.command(["pbt", "worker", opened.request.store, name]))
            }
        }
    }

    /// When the first score can be expected: from the random search beside it, which trains the same program.
    private var expected: Duration? {
        let times = (opened.history.baseline?.intervals ?? []).compactMap { interval in
            interval.started.flatMap { started in interval.finished.map { $0.since(started) } }
        }.sorted()
        guard !times.isEmpty, let began = opened.running.compactMap(\.started).min() else { return nil }
        let left = times[times.count / 2] - opened.now.since(began)
        return left > .zero ? left : nil
    }

    private var relation: HTML {
        guard let main = opened.snapshot.baselineOf else { return .nothing }
        return banner("quiet") {
            "This is the random search beside "
            tag("a", ["href": Links.experiment(main)]) { Formatting.name(main) }
            "."
        }
    }
}

/// The end of what a trainer printed.
struct LogView {
    let opened: ExperimentContext
    let interval: Interval

    /// How many lines are shown.
    static let lines = 20

    /// The last lines; nothing when the log is not on this machine.
    var html: HTML {
        guard interval.attempts > 0, let data = opened.request.server.data else { return .nothing }
        let path = data.log(of: interval.id, attempt: interval.attempts, of: opened.name)
        let lines: [String]?
        do {
            lines = try LogTail.lines(of: path, count: Self.lines)
        } catch {
            return tag("p", ["class": "note"]) { "The log cannot be read: \(error)" }
        }
        guard let lines else { return .nothing }
        return tag("figure", ["class": "log"]) {
            tag("figcaption") {
                lines.isEmpty ? "Nothing was printed: " : "The last lines of "
                tag("code") { path.string }
            }
            if !lines.isEmpty {
                tag("pre", ["class": "scroll", "tabindex": "0", "role": "region", "aria-label": "end of the log"]) {
                    lines.joined(separator: "\n")
                }
            }
        }
    }
}
