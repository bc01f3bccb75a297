// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTReport
import SystemPackage

/// An event for a terminal: `00:04:08  copy   5 ← 2@1   0.402   rate 0.033 ×0.8 = 0.026`.
struct LiveEvent {
    private let event: Event
    private let describer: EventDescriber
    private let before: Double?
    private let clock: String
    private let isVerbose: Bool
    private let glyphs = Terminal.error.glyphs

    /// Creates the text of an event.
    ///
    /// - Parameters:
    ///   - event: The event.
    ///   - describer: The describer, which finds logs.
    ///   - before: The experiment's best score before it.
    ///   - elapsed: The time since the run started.
    ///   - isVerbose: Includes a line for every interval.
    init(_ event: Event, describer: EventDescriber, before: Double?, elapsed: Duration, isVerbose: Bool) {
        self.event = event
        self.describer = describer
        self.before = before
        self.isVerbose = isVerbose
        clock = Self.clock(elapsed)
    }

    /// The lines: none, one, or one for each copy.
    var lines: [StyledLine] {
        let name = event.interval?.description ?? ""
        switch event.kind {
        case .done: return done(name)
        case .retried, .failed: return [failure("fail", .red, name)]
        case .diverged: return [failure("diverged", .red, name)] + copies([event.details])
        case .lost: return [failure("lost", .yellow, name)]
        case .generation: return copies((event.details["exploits"]?.array ?? []).compactMap(\.object))
        case .edited: return [line("edited", .bold, event.editedChanges.joined(separator: ", "))]
        case .paused, .resumed, .created: return [line(event.kind.rawValue, .bold, "")]
        case .pushed, .started, .released, .deleted: return [line(event.kind.rawValue, nil, name + reason("  "))]
        case .setAside: return [line("set aside", .yellow, reason(""))]
        case .evaluated:
            let score = (event.details["score"] ?? event.details["mean"])?.double.map { "  \(Format.score($0))" } ?? ""
            return [line(event.details["best"] == true ? "best" : "evaluated", nil, name + score + reason("  "))]
        case .ended:
            let state = event.details["state"]?.string ?? "ended"
            return [line(state, state == "failed" ? .red : .green, reason(""))]
        }
    }

    private func done(_ name: String) -> [StyledLine] {
        var lines: [StyledLine] = []
        let score = event.details["score"]?.double
        let number = score.map { "  \(PlainText.line(describer.main.objective.metric)) \(Format.score($0))" } ?? ""
        if event.details["best"] == true {
            let delta = score.flatMap { score in
                before.map { " (\(score > $0 ? "+" : "")\(Format.significant(score - $0, digits: 2)))" }
            }
            lines.append(line("best", .magenta, name + number + (delta ?? "")))
        } else if isVerbose {
            lines.append(line("done", nil, name + number))
        }
        return lines + copies([event.details])
    }

    /// Returns lines for the copies among decisions: the member, the donor, and what explore did to the hyperparameters.
    private func copies(_ decisions: [[String: Value]]) -> [StyledLine] {
        decisions.compactMap { decision in
            guard let donor = decision["donor"], let from = donor["member"]?.int, let index = donor["interval"]?.int,
                let member = decision["member"]?.int ?? event.interval?.member
            else { return nil }
            let score = decision["member"] == nil ? event.details["score"]?.double : nil
            var text = "\(member) \(glyphs.from) \(from)@\(index)"
            if let score { text += "  was \(Format.score(score))" }
            for change in (decision["changes"]?.array ?? []).compactMap({ Change(value: $0) }) {
                text +=
                    "  \(change.name) \(Format.value(change.before)) \(change.operation) = "
                    + Format.value(change.after) + (change.isClipped ? " (clipped)" : "")
            }
            return line(decision["decision"] == "adopts" ? "adopt" : "copy", nil, text)
        }
    }

    private func failure(_ verb: String, _ style: TextStyle, _ name: String) -> StyledLine {
        var text = name + reason("  ")
        if let left = event.details["retries_left"]?.int { text += "  \(Words.count(left, "retry", "retries")) left" }
        if event.kind != .lost, let log = describer.log(of: event) { text += "  log: \(near(log))" }
        return line(verb, style, text)
    }

    private func reason(_ gap: String) -> String {
        event.details["reason"]?.string.map { gap + $0 } ?? ""
    }

    private func line(_ verb: String, _ style: TextStyle?, _ text: String) -> StyledLine {
        var line = StyledLine(clock, .dim)
        line.append("  ")
        line.append(verb, style)
        let other = event.experiment == describer.main.name ? "" : "  (\(event.experiment))"
        if !(text + other).isEmpty {
            line.append(
                String(repeating: " ", count: max(2, 8 - verb.count)) + glyphs.text(PlainText.line(text + other)))
        }
        return line
    }

    /// Hours, minutes and seconds: `00:04:12`.
    private static func clock(_ duration: Duration) -> String {
        let seconds = duration.milliseconds / 1000
        func two(_ number: Int64) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "\(two(seconds / 3600)):\(two(seconds / 60 % 60)):\(two(seconds % 60))"
    }
}
