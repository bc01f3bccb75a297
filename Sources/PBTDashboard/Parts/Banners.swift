// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTCheckpoints
import PBTServer
import PBTReport
import SystemPackage

/// The banners at the top of an experiment's pages: its problems, what happens next, and the commands to continue.
struct Banners {
    let experiment: ExperimentContext

    /// The banners, the most severe first; empty when everything is fine.
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

    private var name: String { experiment.name }
    private var record: ExperimentRecord { experiment.record }
    private var intervals: [Interval] { experiment.history.genealogy.intervals }

    private func banner(_ style: String, @HTMLBuilder _ content: () -> HTML) -> HTML {
        tag("section", ["class": "banner \(style)"], content)
    }

    private func command(_ text: String) -> HTML {
        tag("code", ["class": "command"]) { text }
    }

    // MARK: The end

    private var ended: HTML {
        switch record.state {
        case .failed: return failedBanner
        case .finished: return finishedBanner
        case .running, .paused: return .nothing
        }
    }

    private var finishedBanner: HTML {
        banner("good") {
            tag("strong") { "Finished" }
            if let reason = record.reason { ": \(PlainText.line(reason))" }
            ". "
            if let best = experiment.history.best, let score = best.score {
                "Best "
                Formatting.score(score)
                " by "
                Links.interval(best.id, of: name)
                if let verdict = experiment.history.verdict { "; \(verdict.text)" }
                ". "
                metrics
                evaluations
                checkpoint(of: best)
                tag("p") {
                    command(experiment.request.command("best", name))
                    command(experiment.request.command("schedule", name))
                    command(experiment.request.command("replay", name))
                }
            } else {
                "No interval has a score."
            }
        }
    }

    private var metrics: HTML {
        let metrics = experiment.history.otherMetrics
        return metrics.isEmpty ? .nothing : tag("p") { OtherMetric.line(metrics, atMost: 8) }
    }

    private var evaluations: HTML {
        let lines = EvaluationText(experiment.history).lines
        guard !lines.isEmpty else { return .nothing }
        return tag("p") { "Evaluated with fresh seeds, the winner first:" }
            + tag("ul") { for line in lines.prefix(20) { tag("li") { line } } }
    }

    private func checkpoint(of best: Interval) -> HTML {
        guard best.checkpointState == .kept, let checkpoint = best.checkpoint else { return .nothing }
        guard !experiment.history.keepsFilesElsewhere(best) else {
            let files = experiment.history.modelFiles(of: best)
            return files.isEmpty
                ? .nothing
                : tag("p") {
                    for file in files {
                        "\(file.key) "
                        tag("code") { PlainText.line(file.path) }
                        " "
                    }
                }
        }
        let path = experiment.request.server.data?.checkpoint(named: checkpoint, of: name)?.string ?? checkpoint
        return tag("p") {
            "Checkpoint "
            tag("code") { path }
        }
    }

    private var failedBanner: HTML {
        let failed = experiment.history.intervals(.failed).min {
            ($0.sequence ?? .max, $0.id) < ($1.sequence ?? .max, $1.id)
        }
        // If nothing was ever trained, no interval counts as failed: those that were tried wait to be rerun.
        let first =
            failed
            ?? experiment.history.intervals(.waiting).filter { $0.attempts > 0 && $0.reason != nil }.min {
                ($0.started ?? $0.created, $0.id) < ($1.started ?? $1.created, $1.id)
            }
        return banner("bad") {
            tag("strong") { "Failed" }
            ": \(PlainText.line(record.reason ?? "no reason was recorded")). "
            if let first {
                "First failed interval: "
                Links.interval(first.id, of: name)
                ": "
                tag("q") { PlainText.middle(PlainText.line(first.reason ?? "no reason was recorded"), width: 300) }
                tag("p") {
                    if let trainer = experiment.definition.trainer {
                        "Command: "
                        command(trainer.command.map { Shell.quoted(PlainText.line($0)) }.joined(separator: " "))
                    }
                }
                LogView(experiment: experiment, interval: first).html
                tag("p") {
                    "Check that the command runs on its own, then resume with "
                    command(experiment.request.command("resume", name))
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
            " after \(finished). "
            if count > 0 { "Running intervals will finish (\(count)); no new ones start. " }
            "Resume with "
            command(experiment.request.command("resume", name))
        }
    }

    private var finished: String {
        experiment.definition.isEndless
            ? Formatting.count(record.intervalsFinished, "interval")
            : "\(record.intervalsFinished) of \(Formatting.count(record.intervalsPlanned, "interval"))"
    }

    private var stalled: HTML {
        let stalled = experiment.stalled
        guard let first = stalled.first, let expired = first.leaseExpires else { return .nothing }
        let workers = Set(stalled.compactMap(\.worker))
        return banner("warn") {
            tag("strong") {
                "Worker "
                Formatting.worker(first.worker ?? "?")
                " is silent: its lease expired \(Formatting.duration(experiment.now.since(expired))) ago"
            }
            " — member "
            tag("a", ["href": Links.member(first.id.member, of: name)]) { "\(first.id.member)" }
            if first.failures < experiment.definition.retries {
                " will be retried (attempt \(first.failures + 2) of \(experiment.definition.retries + 1)) by the next worker that claims. "
            } else {
                " has no retries left: it fails when the next worker claims. "
            }
            if stalled.count > 1 {
                "\(Formatting.count(stalled.count, "interval")) of \(Formatting.count(workers.count, "worker")) in total. "
            }
            tag("a", ["href": Links.experiment(name, "workers")]) { "Workers" }
        }
    }

    private var failed: HTML {
        guard record.state != .failed else { return .nothing }
        let failures = experiment.history.intervals(.failed)
        guard let last = failures.max(by: { ($0.sequence ?? 0) < ($1.sequence ?? 0) }) else { return .nothing }
        let next = experiment.history.genealogy[IntervalID(member: last.id.member, index: last.id.index + 1)]
        return banner("bad") {
            tag("strong") { "\(Formatting.count(failures.count, "interval")) failed, retries exhausted" }
            " — most recently "
            Links.interval(last.id, of: name)
            ": "
            tag("q") { PlainText.middle(PlainText.line(last.reason ?? "no reason was recorded"), width: 200) }
            if let donor = next?.parent {
                "; member \(last.id.member) was replaced by a copy of "
                Links.interval(donor, of: name)
            } else if next != nil {
                "; member \(last.id.member) was reinitialized"
            }
            ". "
            tag("a", ["href": Links.experiment(name, "events") + "?only=trouble"]) { "View all failures" }
        }
    }

    /// Intervals are waiting, and no worker has been active for 30 s.
    private var idle: HTML {
        guard record.state == .running, experiment.running.isEmpty,
            record.claimable > 0
        else { return .nothing }
        let last = intervals.indices.reduce(record.created) {
            max($0, intervals[$1].finished ?? intervals[$1].started ?? $0)
        }
        guard record.intervalsFinished > 0, experiment.now.since(last) > .seconds(30) else { return .nothing }
        return banner("quiet") {
            tag("strong") { "No active workers" }
            " since "
            tag("time", ["datetime": "\(last)"]) { "\(last)" }
            ". \(Formatting.count(record.counts[.waiting] ?? 0, "interval is waiting", "intervals are waiting")). "
            if experiment.definition.trainer != nil {
                "Continue with "
                command(experiment.request.command("run", "FILE"))
                " or "
            }
            worker("")
        }
    }

    /// The command that starts a worker, after its introduction; or who trains an experiment without a command.
    private func worker(_ introduction: String) -> HTML {
        guard experiment.definition.trainer != nil else {
            return HTML(
                record.isFromSchedy
                    ? "Its jobs are trained by the programs that take them with Schedy's client: start one of these."
                    : "It has no command: its trainers run elsewhere, and take intervals over the API.")
        }
        return HTML(introduction) + command(Shell.command(["pbt", "worker", experiment.request.store, name]))
    }

    /// No interval has a score yet.
    private var empty: HTML {
        guard !record.state.isOver, experiment.history.best == nil, record.intervalsFinished == 0 else {
            return .nothing
        }
        let isTraining = !experiment.running.isEmpty
        return banner("quiet") {
            tag("strong") { "No score yet" }
            if isTraining {
                " — \(Formatting.count(experiment.running.count, "member is training", "members are training")). "
                if let expected { "The first score is expected in about \(Formatting.duration(expected))." }
            } else if record.state == .running {
                " — \(Formatting.count(record.counts[.waiting] ?? 0, "member is waiting", "members are waiting")) for a worker. "
                worker("Start one with ")
            }
        }
    }

    /// The time until the first score, estimated from the random search, which runs the same trainer.
    private var expected: Duration? {
        let times = (experiment.history.baseline?.intervals ?? []).compactMap { interval in
            interval.started.flatMap { started in interval.finished.map { $0.since(started) } }
        }.sorted()
        guard !times.isEmpty, let began = experiment.running.compactMap(\.started).min() else { return nil }
        let left = times[times.count / 2] - experiment.now.since(began)
        return left > .zero ? left : nil
    }

    private var relation: HTML {
        guard let main = experiment.snapshot.baselineOf else { return .nothing }
        return banner("quiet") {
            experiment.history.record.experiment.halving == nil
                ? "This is the random search that is the baseline of "
                : "This is the search by successive halving that is the baseline of "
            tag("a", ["href": Links.experiment(main)]) { Formatting.name(main) }
            "."
        }
    }
}
