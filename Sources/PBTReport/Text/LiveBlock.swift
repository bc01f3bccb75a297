// SPDX-License-Identifier: Apache-2.0

import PBT

/// The live status below the events of a run: its progress, and its members.
package struct LiveBlock: Sendable {
    /// The progress of a run over time.
    package struct Pace: Sendable {
        /// The number of finished intervals, including the baseline's.
        package var finished: Int
        /// The number of planned intervals.
        package var planned: Int
        /// The run time of this process in seconds.
        package var elapsed: Double
        /// The estimated time left in seconds, if it is known.
        package var left: Double?

        /// Creates a pace.
        package init(finished: Int, planned: Int, elapsed: Double, left: Double?) {
            self.finished = finished
            self.planned = planned
            self.elapsed = elapsed
            self.left = left
        }

        /// The completed fraction, from 0 to 1.
        package var share: Double {
            min(1, Double(finished) / Double(max(1, planned)))
        }
    }

    /// The maximum number of lines.
    package static let mostLines = 14

    private let leaderboard: Leaderboard
    private let pace: Pace
    private let details: [String]
    private let hints: [String]
    private let glyphs: Glyphs

    /// Creates a block.
    ///
    /// - Parameters:
    ///   - leaderboard: The members of the experiment.
    ///   - pace: The progress.
    ///   - details: The details next to the name, most important first.
    ///   - hints: The key bindings, most important first.
    ///   - glyphs: The characters of the terminal.
    package init(_ leaderboard: Leaderboard, pace: Pace, details: [String], hints: [String], glyphs: Glyphs) {
        self.leaderboard = leaderboard
        self.pace = pace
        self.details = details
        self.hints = hints
        self.glyphs = glyphs
    }

    /// Returns the block for a terminal of a given size.
    ///
    /// The last column stays empty: some terminals wrap as soon as it is written to.
    ///
    /// - Parameters:
    ///   - width: The number of columns of the terminal.
    ///   - height: The number of rows of the terminal.
    ///   - most: The maximum number of lines.
    ///   - help: The help text that replaces the members; empty to show the members.
    /// - Returns: At most that many lines, and fewer than the terminal has rows, unless it has only one.
    package func lines(
        width: Int, height: Int, most: Int = LiveBlock.mostLines, help: [String] = []
    ) -> [StyledLine] {
        let width = max(1, width - 1)
        let most = max(1, min(most, height - 1))
        var lines = [bar(width)]
        if most >= 2 { lines.append(scores(width)) }
        if most >= 3 { lines.insert(header(width), at: 0) }
        let hasHints = most >= 4 && !hints.isEmpty
        let hasGap = most >= 10
        let room = most - lines.count - (hasHints ? 1 : 0) - (hasGap ? 1 : 0)
        if !help.isEmpty {
            lines += help.prefix(max(0, room)).map { StyledLine($0) }
        } else if room >= 2 {
            lines += members(width, room: room)
        }
        if hasHints { lines.append(StyledLine.joined(hints.map { ($0, .dim) }, width: width)) }
        if hasGap { lines.insert("", at: 0) }
        return lines.map { $0.clipped(to: width, isASCII: glyphs.isASCII) }
    }

    /// Returns the lines above the members: the name, the progress, and the scores.
    ///
    /// - Parameter width: The number of columns.
    /// - Returns: Three lines.
    package func summary(width: Int) -> [StyledLine] {
        [header(width), bar(width), scores(width)].map { $0.clipped(to: width, isASCII: glyphs.isASCII) }
    }

    private func header(_ width: Int) -> StyledLine {
        let experiment = leaderboard.record.experiment
        let name = PlainText.middle(
            glyphs.text(PlainText.line(experiment.name)), width: max(8, width / 2), isASCII: glyphs.isASCII)
        var parts: [(String, TextStyle?)] = [(name, .bold)]
        if leaderboard.record.state == .paused { parts.append(("paused", .yellow)) }
        return StyledLine.joined(parts + details.map { (glyphs.text($0), nil) }, width: width)
    }

    private func bar(_ width: Int) -> StyledLine {
        let count = "\(pace.finished)/\(pace.planned) "
        var ends = [" \(Int(saturating: pace.share * 100))%", "  \(Self.whole(pace.elapsed))"]
        if let left = pace.left { ends.append(", \(Self.whole(left)) left") }
        let names = [count + "intervals ", count]
        // The least important part is omitted first: the time left, the time, the word.
        for (name, parts) in [(0, ends.count), (1, ends.count), (1, 2), (1, 1)] {
            let end = ends.prefix(parts).joined()
            let cells = min(50, width - PlainText.columns(of: names[name] + end))
            guard cells >= 8 else { continue }
            let full = Int(saturating: pace.share * Double(cells))
            var line = StyledLine(names[name])
            line.append(String(repeating: glyphs.full, count: full), .green)
            line.append(String(repeating: glyphs.rest, count: cells - full), .dim)
            line.append(end)
            return line
        }
        return StyledLine(names[1] + (ends.first ?? ""))
    }

    /// Returns a time without fractions, which would flicker.
    private static func whole(_ seconds: Double) -> String {
        seconds < 59.5
            ? "\(Int(saturating: seconds.rounded()))s" : Format.duration(Duration(saturatingSeconds: seconds))
    }

    private func scores(_ width: Int) -> StyledLine {
        let metric = PlainText.middle(
            glyphs.text(PlainText.line(leaderboard.record.experiment.objective.metric)), width: max(6, width / 4),
            isASCII: glyphs.isASCII)
        guard let best = leaderboard.best, let score = best.finiteScore else {
            return StyledLine("\(metric) no score yet", .dim)
        }
        var parts: [(String, TextStyle?)] = [("\(metric) best \(Format.score(score))", .magenta)]
        if leaderboard.rows.count > 1, let median = leaderboard.median {
            parts.append(("median \(Format.score(median))", nil))
        }
        if leaderboard.rows.count > 4, let tenth = leaderboard.tenth {
            parts.append(("p10 \(Format.score(tenth))", nil))
        }
        let founders = leaderboard.founders.map { "founders left \($0.left)/\($0.all)" }
        if let founders { parts.append((founders, nil)) }
        let line = StyledLine.joined(parts, width: width)
        // The curve fills the remaining space between the numbers and the founders.
        let room = min(24, width - line.columns - 2)
        guard leaderboard.curve.count > 1, room >= 5, line.spans.count > 1 || founders == nil else { return line }
        parts.insert(
            (Sparkline.text(leaderboard.curve, width: room, isASCII: glyphs.isASCII), .dim),
            at: founders == nil ? parts.count : parts.count - 1)
        return StyledLine.joined(parts, width: width)
    }

    /// Returns the members that fit: those with problems, then the best.
    private func members(_ width: Int, room: Int) -> [StyledLine] {
        guard !leaderboard.rows.isEmpty else { return [] }
        let order = leaderboard.rows.filter { $0.status.isProblem } + leaderboard.rows.filter { !$0.status.isProblem }
        var fitting = room - 1
        // A last line summarizes the members that do not fit.
        if order.count > fitting { fitting -= 1 }
        guard fitting > 0 else { return [] }
        let hidden = order.dropFirst(fitting)
        var lines = LeaderboardTable(Array(order.prefix(fitting)), of: leaderboard, glyphs: glyphs).lines(width: width)
        if !hidden.isEmpty {
            var counts: [(state: String, count: Int)] = []
            for row in hidden {
                if let place = counts.firstIndex(where: { $0.state == row.status.word }) {
                    counts[place].count += 1
                } else {
                    counts.append((row.status.word, 1))
                }
            }
            let states = counts.map { "\($0.count) \($0.state)" }.joined(separator: ", ")
            lines.append(StyledLine("  \(hidden.count) more: \(states)", .dim))
        }
        return lines
    }
}
