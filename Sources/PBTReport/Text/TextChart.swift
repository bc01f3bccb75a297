// SPDX-License-Identifier: Apache-2.0

package import PBT

/// Charts for a terminal, in Braille dots or ASCII.
package struct TextChart: Sendable {
    private let history: History
    private let width: Int
    private let glyphs: Glyphs
    private let tip: Interval?
    /// The places of the highlighted lineage, from the founder.
    private let path: [Int]

    /// Creates the charts of an experiment.
    ///
    /// - Parameters:
    ///   - history: The experiment.
    ///   - tip: The interval whose lineage is highlighted; none: the best.
    ///   - width: The maximum number of columns of a chart; at least 20.
    ///   - glyphs: The characters of the terminal.
    package init(_ history: History, tip: IntervalID? = nil, width: Int, glyphs: Glyphs) {
        self.history = history
        self.width = max(20, width)
        self.glyphs = glyphs
        self.tip = tip.flatMap { history.genealogy[$0] } ?? history.best
        path = self.tip.flatMap { history.genealogy.place(of: $0.id) }.map { history.genealogy.lineage(at: $0) } ?? []
    }

    private var intervals: [Interval] { history.genealogy.intervals }

    private var name: String {
        PlainText.middle(
            glyphs.text(PlainText.line(history.record.experiment.name)), width: max(8, width / 3),
            isASCII: glyphs.isASCII)
    }

    private func titled(_ title: String, _ lines: [StyledLine]) -> [StyledLine] {
        ([StyledLine(title, .bold)] + lines).map { $0.clipped(to: width, isASCII: glyphs.isASCII) }
    }

    /// Returns the scores over training intervals: every member, and the highlighted lineage, which ends in a star.
    ///
    /// - Parameter height: The maximum number of lines; at least 8.
    /// - Returns: At most that many lines, none wider than the chart.
    package func curves(height: Int) -> [StyledLine] {
        let objective = history.record.experiment.objective
        let metric = glyphs.text(PlainText.line(objective.metric))
        let scores = intervals.map { $0.finiteScore ?? .nan }
        guard let tip, scores.contains(where: \.isFinite) else {
            return titled("\(name): no score yet", [])
        }
        let other = history.verdict.map { glyphs.text(", \($0.headline)") } ?? ""
        let best = history.best?.finiteScore.map { "best \(metric) \(Format.score($0))" } ?? metric
        let baseline = history.baseline?.intervals.compactMap { $0.finiteScore } ?? []
        let y = Scale(fitting: scores + baseline)
        let deepest = max(2, intervals.map(\.depth).max() ?? 1)
        var plot = Plot(
            width: width, height: max(4, height - 4), y: y, x: Scale(low: 1, high: Double(deepest), from: 0, to: 1),
            glyphs: glyphs)
        for (place, interval) in intervals.enumerated() where scores[place].isFinite {
            // A curve breaks where its member was replaced.
            let parent = history.genealogy.parents[place]
            let own = parent.flatMap { intervals[$0].id.member == interval.id.member ? $0 : nil }
            plot.line(
                from: own.map { (Double(intervals[$0].depth), scores[$0]) },
                to: (Double(interval.depth), scores[place]),
                .others)
        }
        for improvement in history.baselineBestSoFar(by: .depth) {
            plot.line(from: nil, to: (Double(improvement.at), improvement.score), .baseline)
        }
        var before: (Double, Double)?
        for place in path where scores[place].isFinite {
            let point = (Double(intervals[place].depth), scores[place])
            plot.line(from: before, to: point, .path)
            before = point
        }
        if let before { plot.mark(before, glyphs.best) }
        let direction = objective.goal == .maximize ? "higher is better" : "lower is better"
        let legend = StyledLine(
            "\(glyphs.best) \(tip.id) and its lineage"
                + (baseline.isEmpty ? "" : "; o \(history.baselineWords), best so far"), .dim)
        return titled("\(name): \(best)\(other)   (\(direction))", plot.lines + [legend])
    }

    /// Returns the hyperparameters along the highlighted lineage, a panel for each that varies.
    ///
    /// - Parameter height: The number of lines per panel; at least 3.
    /// - Returns: Lines, none wider than the chart.
    package func schedule(height: Int) -> [StyledLine] {
        guard let tip else { return titled("\(name): no score yet", []) }
        let title = "\(name): schedule of \(glyphs.best) \(tip.id)"
        let varying = history.varying
        guard !varying.isEmpty else { return titled(title, ["All hyperparameters are constant."]) }
        let x = Scale(low: 1, high: Double(max(2, path.count)), from: 0, to: 1)
        var lines: [StyledLine] = []
        let lastPanel = varying.lastIndex { $0.categories == nil }
        for (number, one) in varying.enumerated() {
            let label = glyphs.text(PlainText.line(one.name)) + (one.isLogarithmic ? " (log)" : "")
            let values = path.map { intervals[$0].hyperparameters[one.name] }
            guard one.categories == nil else {
                lines.append(StyledLine(label, .bold))
                lines.append(StyledLine("  " + glyphs.text(PlainText.line(Self.stretches(values)))))
                continue
            }
            let numbers = values.map { $0?.double ?? .nan }
            let y = Scale(fitting: numbers, isLogarithmic: one.isLogarithmic)
            var plot = Plot(
                width: width, height: max(3, height), y: y, x: x, glyphs: glyphs,
                hasAxis: number == lastPanel)
            var before: (Double, Double)?
            for (place, value) in numbers.enumerated() where value.isFinite {
                // A value is constant during an interval, and then jumps.
                let at = Double(place + 1)
                if let before {
                    plot.line(from: before, to: (at, before.1), .path)
                    plot.line(from: (at, before.1), to: (at, value), .path)
                } else {
                    plot.line(from: nil, to: (at, value), .path)
                }
                before = (at, value)
            }
            lines.append(StyledLine(label, .bold))
            lines += plot.lines
        }
        return titled(title, lines)
    }

    /// Returns the runs of equal values: `relu 1-4, tanh 5-9`.
    private static func stretches(_ values: [Value?]) -> String {
        var parts: [(text: String, first: Int, last: Int)] = []
        for (place, value) in values.enumerated() {
            let text = Format.value(value)
            if parts.last?.text == text {
                parts[parts.count - 1].last = place + 1
            } else {
                parts.append((text, place + 1, place + 1))
            }
        }
        return parts.map { $0.first == $0.last ? "\($0.text) \($0.first)" : "\($0.text) \($0.first)-\($0.last)" }
            .joined(separator: ", ")
    }
}

/// A rectangle of dots with two axes.
private struct Plot {
    /// The layer of a dot; in one cell the last one wins.
    enum Layer: Int {
        case none, others, baseline, path
    }

    private let rows: Int
    private let columns: Int
    private let labels: [Int: String]
    private let labelWidth: Int
    private let x: Scale
    private let y: Scale
    private let glyphs: Glyphs
    private let hasAxis: Bool
    private var dots: [UInt8]
    private var layers: [Layer]
    private var marks: [Int: String] = [:]

    /// Creates a plot without dots.
    init(width: Int, height: Int, y: Scale, x: Scale, glyphs: Glyphs, hasAxis: Bool = true) {
        let ticks = y.ticks(about: max(2, height / 3))
        var labels: [Int: String] = [:]
        for tick in ticks {
            guard let share = y.share(tick.value), (0...1).contains(share) else { continue }
            labels[Int(saturating: ((1 - share) * Double(height - 1)).rounded())] = tick.label
        }
        let labelWidth = labels.values.map(\.count).max() ?? 0
        rows = height
        columns = max(4, width - labelWidth - 2)
        (self.labels, self.labelWidth, self.x, self.y) = (labels, labelWidth, x, y)
        (self.glyphs, self.hasAxis) = (glyphs, hasAxis)
        dots = [UInt8](repeating: 0, count: rows * columns)
        layers = [Layer](repeating: .none, count: rows * columns)
    }

    /// The number of dots per character.
    private var density: (x: Int, y: Int) { glyphs.isASCII ? (1, 1) : (2, 4) }

    private func dot(_ point: (Double, Double)) -> (x: Int, y: Int)? {
        guard let across = x.share(point.0), let up = y.share(point.1) else { return nil }
        let (width, height) = (columns * density.x - 1, rows * density.y - 1)
        return (
            Int(saturating: (min(1, max(0, across)) * Double(width)).rounded()),
            Int(saturating: ((1 - min(1, max(0, up))) * Double(height)).rounded())
        )
    }

    /// Draws a straight line, or a point.
    mutating func line(from start: (Double, Double)?, to end: (Double, Double), _ layer: Layer) {
        guard let b = dot(end), let a = start == nil ? b : start.flatMap({ dot($0) }) else { return }
        let steps = max(abs(b.x - a.x), abs(b.y - a.y), 1)
        for step in 0...steps {
            set(a.x + (b.x - a.x) * step / steps, a.y + (b.y - a.y) * step / steps, layer)
        }
    }

    private mutating func set(_ x: Int, _ y: Int, _ layer: Layer) {
        let cell = y / density.y * columns + x / density.x
        if layer.rawValue >= layers[cell].rawValue { layers[cell] = layer }
        let bits: [UInt8] = [0x01, 0x08, 0x02, 0x10, 0x04, 0x20, 0x40, 0x80]
        dots[cell] |= glyphs.isASCII ? 1 : bits[y % 4 * 2 + x % 2]
    }

    /// Puts a character at a point.
    mutating func mark(_ point: (Double, Double), _ character: String) {
        guard let dot = dot(point) else { return }
        marks[dot.y / density.y * columns + dot.x / density.x] = character
    }

    /// The rows, and the axis below them.
    var lines: [StyledLine] {
        var lines = (0..<rows).map { row in
            let label = labels[row] ?? ""
            var line = StyledLine(
                String(repeating: " ", count: labelWidth - label.count) + label + (glyphs.isASCII ? " |" : " │"), .dim)
            for column in 0..<columns {
                let cell = row * columns + column
                if let mark = marks[cell] {
                    line.append(mark, .magenta)
                } else if dots[cell] == 0 {
                    line.append(" ")
                } else {
                    line.append(character(cell), style(layers[cell]))
                }
            }
            return line
        }
        guard hasAxis else { return lines }
        let corner = glyphs.isASCII ? "+" : "└"
        lines.append(
            StyledLine(
                String(repeating: " ", count: labelWidth + 1) + corner
                    + String(repeating: glyphs.rest, count: columns), .dim))
        var text = [Character](repeating: " ", count: labelWidth + 2 + columns)
        for tick in x.wholeTicks(about: max(2, columns / 10)) {
            guard let share = x.share(tick.value), (0...1).contains(share) else { continue }
            let middle = labelWidth + 2 + Int(saturating: (share * Double(columns - 1)).rounded())
            let start = min(max(0, middle - tick.label.count / 2), text.count - tick.label.count)
            guard start >= 0, start == 0 || text[start - 1] == " " else { continue }
            for (offset, digit) in tick.label.enumerated() { text[start + offset] = digit }
        }
        lines.append(StyledLine(String(text), .dim))
        return lines
    }

    private func character(_ cell: Int) -> String {
        guard glyphs.isASCII else {
            return layers[cell] == .baseline
                ? "o" : Unicode.Scalar(0x2800 + UInt32(dots[cell])).map { String(Character($0)) } ?? " "
        }
        switch layers[cell] {
        case .none: return " "
        case .others: return "."
        case .baseline: return "o"
        case .path: return "#"
        }
    }

    private func style(_ layer: Layer) -> TextStyle? {
        switch layer {
        case .none, .baseline: nil
        case .others: .dim
        case .path: .magenta
        }
    }
}
