// SPDX-License-Identifier: Apache-2.0

import PBT

/// The parts that all charts have in common: titles, axes, notes.
extension Scene {
    /// The space at the left and right edge of a chart.
    var margin: Double { isNarrow ? 8 : 14 }
    var titleSize: Double { isNarrow ? 12 : 14 }

    /// Draws a title in at most two lines, and returns its lower edge.
    func drawTitle(_ title: String, in frame: Frame, on drawing: inout Drawing) -> Double {
        let width = frame.width - 2 * margin
        var lines = TextWidth.wrapped(title, to: width, size: titleSize, isBold: true)
        if lines.count > 2 {
            let rest = lines[1...].joined(separator: " ")
            lines = [lines[0], TextWidth.fitted(rest, to: width, size: titleSize, isBold: true)]
        }
        var y = frame.top + 6
        for line in lines {
            y += titleSize + 4
            drawing.text(
                line, at: Point(x: frame.left + margin, y: y), size: titleSize, fill: palette.ink, isBold: true)
        }
        return y + 6
    }

    /// Draws the title of an axis above it.
    func drawCaption(_ text: String, in frame: Frame, top: Double, on drawing: inout Drawing) -> Double {
        let fitted = TextWidth.fitted(text, to: frame.width - 2 * margin, size: Drawing.textSize)
        drawing.text(fitted, at: Point(x: frame.left + margin, y: top + 11), fill: palette.ink)
        return top + 16
    }

    /// Draws horizontal grid lines with their labels to the left of a plot.
    func drawRows(_ ticks: [Scale.Tick], _ scale: Scale, in plot: Frame, on drawing: inout Drawing) {
        for tick in ticks {
            guard let y = scale.position(tick.value) else { continue }
            drawing.line(Point(x: plot.left, y: y), Point(x: plot.right, y: y), stroke: palette.grid)
            drawing.text(tick.label, at: Point(x: plot.left - 5, y: y + 4), anchor: .end)
        }
    }

    /// Draws the axis below a plot, with ticks and labels.
    func drawColumns(
        _ ticks: [Scale.Tick], _ scale: Scale, in plot: Frame, label: String, on drawing: inout Drawing
    ) {
        drawing.line(
            Point(x: plot.left, y: plot.bottom), Point(x: plot.right, y: plot.bottom), stroke: palette.axis)
        var end = -Double.infinity
        for tick in ticks {
            guard let x = scale.position(tick.value) else { continue }
            drawing.line(Point(x: x, y: plot.bottom), Point(x: x, y: plot.bottom + 4), stroke: palette.axis)
            let half = TextWidth.of(tick.label, size: Drawing.textSize) / 2
            guard x - half > end + 6 else { continue }
            end = x + half
            drawing.text(tick.label, at: Point(x: x, y: plot.bottom + 16), anchor: .middle)
        }
        let fitted = TextWidth.fitted(label, to: plot.width + 40, size: Drawing.textSize)
        drawing.text(
            fitted, at: Point(x: (plot.left + plot.right) / 2, y: plot.bottom + 31), anchor: .middle, fill: palette.ink)
    }

    /// The height of the axis that ``drawColumns(_:_:in:label:on:)`` draws below a plot.
    static let axisHeight = 38.0

    func labelWidth(_ ticks: [Scale.Tick]) -> Double {
        ticks.reduce(0) { max($0, TextWidth.of($1.label, size: Drawing.textSize)) }
    }

    /// Draws the reason why a chart is empty.
    func drawMessage(_ text: String, in plot: Frame, on drawing: inout Drawing) {
        let lines = TextWidth.wrapped(text, to: plot.width - 16, size: 12)
        var y = (plot.top + plot.bottom) / 2 - 8 * Double(lines.count - 1)
        for line in lines {
            drawing.text(
                line, at: Point(x: (plot.left + plot.right) / 2, y: y), anchor: .middle, size: 12, fill: palette.muted)
            y += 16
        }
    }

    /// The title of the horizontal axis.
    var progressLabel: String {
        options.axis == .training ? "Training intervals (lineage depth)" : "Time since the first start"
    }

    /// The largest value on the horizontal axis.
    var reached: Double {
        guard options.axis == .time else { return Double(trained) }
        return max(history.columns.duration, baselineColumns?.duration ?? 0)
    }

    /// The end of the horizontal axis.
    var extent: Double {
        options.axis == .training ? depth : max(1, reached)
    }

    func progressTicks(_ x: Scale, in plot: Frame) -> [Scale.Tick] {
        options.axis == .training
            ? x.wholeTicks(about: Int(saturating: plot.width / 60))
            : x.timeTicks(about: Int(saturating: plot.width / 80))
    }

    /// Adds a note to the legend when only some members' lines are shown.
    func addTop(to legend: inout Legend) {
        guard let topMembers else { return }
        legend.add(.none, "Showing the top \(topMembers.count) of \(members)")
    }
}
