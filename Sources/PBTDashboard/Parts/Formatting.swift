// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTReport

extension String {
    /// The text with a capital at its beginning.
    var withCapital: String { prefix(1).uppercased() + dropFirst() }
}

/// Numbers, names and times as pages show them.
enum Formatting {
    /// A name, which may hold any script; cut in its middle when it is long, with the whole on hovering.
    static func name(_ name: String, width: Int = 48) -> HTML {
        let line = PlainText.line(name)
        let cut = PlainText.middle(line, width: width)
        return tag("bdi", ["title": cut == line ? nil : line]) { cut }
    }

    /// A score, with all its digits on hovering; a dash when there is none.
    static func score(_ score: Double?) -> HTML {
        guard let score, score.isFinite else { return HTML("–") }
        let text = Format.score(score)
        return text == score.description ? HTML(text) : tag("span", ["title": score.description]) { text }
    }

    /// The arrow that says which scores are better.
    static func arrow(_ goal: Objective.Goal) -> String {
        goal == .maximize ? "↑" : "↓"
    }

    /// Which scores are better, in words.
    static func words(_ goal: Objective.Goal) -> String {
        goal == .maximize ? "higher is better" : "lower is better"
    }

    /// The difference to another score, with its sign.
    static func difference(_ score: Double, _ other: Double) -> String {
        let difference = score - other
        guard difference.isFinite else { return "–" }
        return (difference > 0 ? "+" : "") + Format.significant(difference, digits: 3)
    }

    /// A hyperparameter's value.
    static func value(_ value: Value?) -> HTML {
        guard let value else { return HTML("–") }
        let text = PlainText.line(Format.value(value))
        let whole = PlainText.line(value.string ?? value.json)
        let cut = PlainText.middle(text, width: 32)
        return cut == whole ? HTML(cut) : tag("span", ["title": String(whole.prefix(500))]) { cut }
    }

    /// A point in time, as long ago as it is.
    static func ago(_ time: Timestamp, now: Timestamp) -> HTML {
        tag("time", ["datetime": "\(time)", "title": "\(time)"]) { "\(duration(now.since(time))) ago" }
    }

    /// The time of day.
    static func clock(_ time: Timestamp) -> String {
        String("\(time)".dropFirst(11).prefix(8))
    }

    /// A duration without fractions of seconds.
    static func duration(_ duration: Duration) -> String {
        let seconds = max(0, duration.milliseconds / 1000)
        return seconds == 0 ? "0s" : seconds < 10 ? "\(seconds)s" : Format.duration(.seconds(seconds))
    }

    /// A number with the noun that it counts.
    static func count(_ number: Int, _ one: String, _ many: String? = nil) -> String {
        "\(number) \(number == 1 ? one : many ?? one + "s")"
    }

    /// The name of a worker for people: the machine and the process; the rest makes it unique.
    static func worker(_ name: String) -> HTML {
        let line = PlainText.line(name)
        let parts = line.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 4, Int(parts[1]) != nil else { return Formatting.name(name, width: 32) }
        return tag("bdi", ["title": line]) {
            "\(PlainText.middle(String(parts[0]), width: 20))/\(parts[1])/\(parts[3])"
        }
    }
}
