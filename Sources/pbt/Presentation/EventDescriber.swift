// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTCheckpoints
import PBTReport
import SystemPackage

/// Describes events for people: in `key=value` lines with the time in a log, in words on a terminal.
struct EventDescriber: Sendable {
    /// The directory of the logs; nil when they are on other machines.
    let data: DataDirectory?
    /// The experiment; events of others include their experiment's name.
    let main: Experiment
    /// True for a terminal, false for a log.
    let isLive: Bool

    /// Returns the current time, in the format at the start of lines.
    func time() -> String {
        "\(StoreClock.system.now())"
    }

    /// Returns the lines for an event.
    ///
    /// - Parameters:
    ///   - event: The event.
    ///   - before: The experiment's best score before it.
    ///   - elapsed: The time since the run started.
    ///   - isVerbose: Includes copies.
    /// - Returns: No line, one, or one for each copy of a generation.
    func lines(for event: Event, before: Double?, elapsed: Duration, isVerbose: Bool) -> [StyledLine] {
        if isLive {
            return LiveEvent(event, describer: self, before: before, elapsed: elapsed, isVerbose: isVerbose).lines
        }
        let other = event.experiment == main.name ? "" : " experiment=\(PlainText.line(event.experiment))"
        return phrases(for: event, before: before, isVerbose: isVerbose).map { "\(event.time) \($0)\(other)" }
    }

    private func phrases(for event: Event, before: Double?, isVerbose: Bool) -> [String] {
        let id = event.interval.map { " member=\($0)" } ?? ""
        switch event.kind {
        case .done: return done(event, id, before: before, isVerbose: isVerbose)
        case .retried, .failed, .diverged:
            return [
                (event.kind == .diverged ? "diverged" : "fail") + id + attempt(event) + reason(event)
                    + log(event)
            ]
        case .lost:
            return ["lost" + id + attempt(event) + reason(event)]
        case .generation:
            let exploits = event.details["exploits"]?.array ?? []
            return exploits.compactMap { exploit in
                exploit["member"]?.int.map { copy(exploit, member: "\($0)") }
            }
        case .edited:
            let revision = event.details["revision"]?.int.map { " revision=\($0)" } ?? ""
            let changes = event.editedChanges.joined(separator: ", ")
            return ["edited" + revision + (changes.isEmpty ? "" : " changes=\(Value.string(PlainText.line(changes)))")]
        case .paused, .resumed, .created: return [event.kind.rawValue]
        case .pushed, .started, .released, .deleted: return ["\(event.kind.rawValue)\(id)\(reason(event))"]
        case .setAside: return ["set-aside\(reason(event))"]
        case .evaluated:
            let numbers = ["number", "score", "mean"].compactMap { key in
                event.details[key]?.double.map { " \(key)=\(Format.score($0))" }
            }
            let best = event.details["best"] == true ? " best=true" : ""
            return ["evaluated\(id)\(numbers.joined())\(best)\(reason(event))"]
        case .ended:
            let state = event.details["state"]?.string ?? ""
            return [state + reason(event)]
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
            lines.append("best" + id + number + (delta ?? ""))
        } else if isVerbose {
            lines.append("done\(id)\(number)")
        }
        if isVerbose, ["exploits", "adopts"].contains(event.details["decision"]), let member = event.interval?.member {
            lines.append(copy(.object(event.details), member: "\(member)"))
        }
        return lines
    }

    private func copy(_ exploit: Value, member: String) -> String {
        let donor = exploit["donor"]
        let from = donor.flatMap { donor in
            donor["member"]?.int.flatMap { member in donor["interval"]?.int.map { "\(member)@\($0)" } }
        }
        let changes = (exploit["changes"]?.array ?? []).compactMap { Change(value: $0) }.map { change in
            let name = PlainText.line(change.name)
            let operation = change.operation + (change.isClipped ? ",clipped" : "")
            let sign = Terminal.error.isUTF8 ? operation : operation.replacing("×", with: "*")
            return " \(name)=\(Format.value(change.before))->\(Format.value(change.after))(\(sign))"
        }
        let verb = exploit["decision"] == "adopts" ? "adopt" : "copy"
        return "\(verb) member=\(member) donor=\(from ?? "?")\(changes.joined())"
    }

    private func attempt(_ event: Event) -> String {
        let left = event.details["retries_left"]?.int.map { " retries_left=\($0)" } ?? ""
        return (event.details["attempt"]?.int.map { " attempt=\($0)" } ?? "") + left
    }

    private func reason(_ event: Event) -> String {
        event.details["reason"]?.string.map { " reason=\(Value.string(PlainText.line($0)))" } ?? ""
    }

    private func log(_ event: Event) -> String {
        log(of: event).map { " log=\($0)" } ?? ""
    }

    /// Returns the log of the attempt of an event; nil when it is on another machine.
    func log(of event: Event) -> FilePath? {
        guard let data, let interval = event.interval, let attempt = event.details["attempt"]?.int else { return nil }
        return data.log(of: interval, attempt: attempt, of: event.experiment)
    }
}
