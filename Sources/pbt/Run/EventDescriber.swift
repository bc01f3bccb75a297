// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTReport
import PBTWorker

/// Writes an event in one line for a person: with the time of day and `key=value` where lines are kept, shorter on a
/// terminal.
struct EventDescriber: Sendable {
    /// Where the logs are; none when they are on other machines.
    let data: DataDirectory?
    /// The experiment; events of others name theirs.
    let main: Experiment
    /// Whether the lines are read as they appear.
    let isLive: Bool

    /// The time now, as lines begin.
    func time() -> String {
        "\(StoreClock.system.now())"
    }

    /// The lines for an event.
    ///
    /// - Parameters:
    ///   - event: The event.
    ///   - before: The experiment's best score before it.
    ///   - elapsed: The time since the run began.
    ///   - isVerbose: Whether copies are shown.
    /// - Returns: None, one, or one for each copy of a generation.
    func lines(for event: Event, before: Double?, elapsed: Duration, isVerbose: Bool) -> [String] {
        let start = isLive ? Terminal.error.styled(Self.clock(elapsed), .dim) : "\(event.time)"
        let other = event.experiment == main.name ? "" : " experiment=\(event.experiment)"
        return phrases(for: event, before: before, isVerbose: isVerbose).map { "\(start) \($0)\(other)" }
    }

    /// Hours, minutes and seconds: `00:04:12`.
    private static func clock(_ duration: Duration) -> String {
        let seconds = duration.milliseconds / 1000
        func two(_ number: Int64) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "\(two(seconds / 3600)):\(two(seconds / 60 % 60)):\(two(seconds % 60))"
    }

    private func phrases(for event: Event, before: Double?, isVerbose: Bool) -> [String] {
        let id = event.interval.map { " member=\($0)" } ?? ""
        switch event.kind {
        case .done: return done(event, id, before: before, isVerbose: isVerbose)
        case .retried, .failed, .diverged:
            return [
                named(event.kind == .diverged ? "diverged" : "fail", .red) + id + attempt(event) + reason(event)
                    + log(event)
            ]
        case .lost:
            return [named("lost", .yellow) + id + attempt(event) + reason(event)]
        case .generation:
            let exploits = event.details["exploits"]?.array ?? []
            return exploits.compactMap { exploit in
                exploit["member"]?.int.map { copy(exploit, member: "\($0)") }
            }
        case .paused, .resumed, .edited, .created: return [event.kind.rawValue]
        case .pushed, .started, .released: return ["\(event.kind.rawValue)\(id)\(reason(event))"]
        case .ended:
            let state = event.details["state"]?.string ?? ""
            return [named(state, state == "failed" ? .red : .green) + reason(event)]
        }
    }

    private func done(_ event: Event, _ id: String, before: Double?, isVerbose: Bool) -> [String] {
        var lines: [String] = []
        let score = event.details["score"]?.double
        let metric = PlainText.line(main.objective.metric)
        let number = score.map { " \(metric)=\(Format.score($0))" } ?? ""
        if event.details["best"] == true {
            let delta = score.flatMap { score in
                before.map { " delta=\(score > $0 ? "+" : "")\(Format.significant(score - $0, digits: 2))" }
            }
            lines.append(named("best", .magenta) + id + number + (delta ?? ""))
        } else if isVerbose {
            lines.append("done\(id)\(number)")
        }
        if isVerbose, event.details["decision"] == "exploits", let member = event.interval?.member {
            lines.append(copy(.object(event.details), member: "\(member)"))
        }
        return lines
    }

    private func copy(_ exploit: Value, member: String) -> String {
        let donor = exploit["donor"]
        let from = donor.flatMap { donor in
            donor["member"]?.int.flatMap { member in donor["interval"]?.int.map { "\(member)@\($0)" } }
        }
        let changes = (exploit["changes"]?.array ?? []).map { change in
            let name = PlainText.line(change["name"]?.string ?? "")
            let operation = change["operation"]?.string ?? ""
            let sign = Terminal.error.isUTF8 ? operation : operation.replacing("×", with: "*")
            return " \(name)=\(Format.value(change["old"]))->\(Format.value(change["new"]))(\(sign))"
        }
        return "copy member=\(member) donor=\(from ?? "?")\(changes.joined())"
    }

    private func named(_ word: String, _ style: Terminal.Style) -> String {
        isLive ? Terminal.error.styled(word, style) : word
    }

    private func attempt(_ event: Event) -> String {
        let left = event.details["retries_left"]?.int.map { " retries_left=\($0)" } ?? ""
        return (event.details["attempt"]?.int.map { " attempt=\($0)" } ?? "") + left
    }

    private func reason(_ event: Event) -> String {
        event.details["reason"]?.string.map { " reason=\(Value.string(PlainText.line($0)))" } ?? ""
    }

    private func log(_ event: Event) -> String {
        guard let data, let interval = event.interval, let attempt = event.details["attempt"]?.int else { return "" }
        return " log=\(data.log(of: interval, attempt: attempt, of: event.experiment))"
    }
}
