// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTReport

extension String {
    /// The text with its first letter capitalized.
    var withCapital: String { prefix(1).uppercased() + dropFirst() }
}

/// Formats of numbers, names and times on pages.
enum Formatting {
    /// Returns a name, isolated from the text direction around it; a long one is truncated in its middle, with a tooltip.
    static func name(_ name: String, width: Int = 48) -> HTML {
        let line = PlainText.line(name)
        let cut = PlainText.middle(line, width: width)
        return tag("bdi", ["title": cut == line ? nil : line]) { cut }
    }

    /// Returns a score with all its digits in a tooltip; a dash for none.
    static func score(_ score: Double?) -> HTML {
        guard let score, score.isFinite else { return HTML("–") }
        let text = Format.score(score)
        return text == score.description ? HTML(text) : tag("span", ["title": score.description]) { text }
    }

    /// Returns the direction of better scores as an arrow.
    static func arrow(_ goal: Objective.Goal) -> String {
        goal == .maximize ? "↑" : "↓"
    }

    /// Returns the direction of better scores in words.
    static func words(_ goal: Objective.Goal) -> String {
        goal == .maximize ? "higher is better" : "lower is better"
    }

    /// Returns the difference of two scores with its sign.
    static func difference(_ score: Double, _ other: Double) -> String {
        let difference = score - other
        guard difference.isFinite else { return "–" }
        return (difference > 0 ? "+" : "") + Format.significant(difference, digits: 3)
    }

    /// Returns a hyperparameter's value; a dash for none.
    static func value(_ value: Value?) -> HTML {
        guard let value else { return HTML("–") }
        let text = PlainText.line(Format.value(value))
        let whole = PlainText.line(value.string ?? value.json)
        let cut = PlainText.middle(text, width: 32)
        return cut == whole ? HTML(cut) : tag("span", ["title": String(whole.prefix(500))]) { cut }
    }

    /// Returns a time relative to now.
    static func ago(_ time: Timestamp, now: Timestamp) -> HTML {
        tag("time", ["datetime": "\(time)", "title": "\(time)"]) { "\(duration(now.since(time))) ago" }
    }

    /// Returns the time of day in UTC.
    static func clock(_ time: Timestamp) -> String {
        String("\(time)".dropFirst(11).prefix(8))
    }

    /// Returns a duration without fractions of seconds.
    static func duration(_ duration: Duration) -> String {
        let seconds = max(0, duration.milliseconds / 1000)
        return seconds == 0 ? "0s" : seconds < 10 ? "\(seconds)s" : Format.duration(.seconds(seconds))
    }

    /// Returns a number with its noun.
    static func count(_ number: Int, _ one: String, _ many: String? = nil) -> String {
        "\(number) \(number == 1 ? one : many ?? one + "s")"
    }

    /// Returns the name of a worker, shortened to what people recognize: host, process, and slot.
    static func worker(_ name: String) -> HTML {
        let line = PlainText.line(name)
        let parts = line.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 4, Int(parts[1]) != nil else { return Formatting.name(name, width: 32) }
        return tag("bdi", ["title": line]) {
            "\(PlainText.middle(String(parts[0]), width: 20))/\(parts[1])/\(parts[3])"
        }
    }
}
