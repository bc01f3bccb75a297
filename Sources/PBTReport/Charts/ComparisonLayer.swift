// SPDX-License-Identifier: Apache-2.0

import PBT

/// The best scores so far of several runs over their cost.
struct ComparisonLayer {
    let scene: Scene
    let histories: [History]
    let contenders: [Contender]
    /// The number of contenders with a color.
    private let colored: Int

    init(_ histories: [History], _ scene: Scene) {
        self.scene = scene
        self.histories = histories
        contenders = Contender.all(histories, axis: scene.options.axis, showsBaseline: scene.options.showsBaseline)
        colored = min(contenders.count { !$0.isBaseline }, scene.palette.families.count)
    }

    private func color(_ place: Int) -> String {
        if contenders[place].isBaseline { return scene.palette.baseline }
        return place < colored ? scene.palette.families[place] : scene.palette.extinct
    }

    private func final(_ contender: Contender) -> Double? {
        Contender.quantile(contender.finals, 0.5)
    }

    /// Returns a contender's final scores as text.
    func result(_ contender: Contender) -> String {
        guard let median = final(contender) else { return "no score yet" }
        guard contender.finals.count > 1, let low = Contender.quantile(contender.finals, 0.25),
            let high = Contender.quantile(contender.finals, 0.75)
        else { return Format.score(median) }
        return "\(Format.score(median)) (\(Format.score(min(low, high))) to \(Format.score(max(low, high))), "
            + "\(contender.finals.count) seeds)"
    }

    /// The reason why the chart is empty; none when it is not.
    private var message: String? {
        let objectives = Set(histories.map(\.record.experiment.objective))
        if objectives.count > 1 {
            let names = objectives.map { "\(XML.name($0.metric)) (\($0.goal.rawValue))" }.sorted()
            return "These runs cannot be compared: their objectives are \(names.joined(separator: ", "))."
        }
        if contenders.allSatisfy({ $0.finals.isEmpty }) { return "No interval has finished with a score yet." }
        return scene.options.axis == .time && contenders.allSatisfy { $0.end == 0 }
            ? "No interval has a recorded finish time." : nil
    }

    var title: String {
        let leading = contenders.first { !$0.finals.isEmpty && !$0.isBaseline } ?? contenders.first
        guard message == nil, let leading, let best = final(leading) else { return "Comparison" }
        let other = contenders.first { $0.isBaseline && !$0.finals.isEmpty }
        let kind = leading.finals.count > 1 ? "median best" : "best"
        let headline = "\(XML.name(leading.name)): \(kind) \(scene.metric) \(Format.score(best))"
        if histories.count == 1, other != nil, let verdict = histories[0].verdict {
            return "\(headline), \(verdict.headline)"
        }
        return headline
            + (other.flatMap { other in final(other).map { ", \(other.name) \(Format.score($0))" } } ?? "")
    }

    var sentence: String {
        if let message { return message }
        let parts = contenders.map { "\(XML.name($0.name)) \(result($0))" }
        return "Best \(scene.metric) so far by \(scene.options.axis == .training ? "finished intervals" : "time"): "
            + "\(parts.joined(separator: "; ")). \(scene.objective.goal == .maximize ? "Higher" : "Lower") is better."
    }

    private var legend: Legend {
        var legend = Legend()
        for (place, contender) in contenders.enumerated() where place < colored || contender.isBaseline {
            legend.add(
                .line(color(place), width: 2.5, dash: contender.isBaseline ? "5 3" : nil),
                "\(XML.name(contender.name)): \(result(contender))")
        }
        let plain = contenders.count { !$0.isBaseline } - colored
        if plain > 0 {
            legend.add(.line(scene.palette.extinct, width: 1, dash: nil), "\(scene.count(plain, "other", "others"))")
        }
        if contenders.contains(where: { $0.runs.count > 1 }) {
            legend.add(.none, "Median and IQR over seeds")
        }
        return legend
    }

    func height(plot: Double) -> Double {
        var scratch = Drawing(scene.palette)
        return
            (drawHeader(in: Frame(left: 0, top: 0, right: scene.width, bottom: 0), on: &scratch) + 6 + plot
            + Scene.axisHeight).rounded(.up)
    }

    private func drawHeader(in frame: Frame, on drawing: inout Drawing) -> Double {
        var top = scene.drawTitle(title, in: frame, on: &drawing)
        guard message == nil else { return top }
        top += legend.draw(from: frame.left + scene.margin, to: frame.right - scene.margin, top: top, on: &drawing)
        let caption = CurvesLayer(scene).caption
        return scene.drawCaption("Best so far: \(caption)", in: frame, top: top + 2, on: &drawing)
    }

    func draw(in frame: Frame, on drawing: inout Drawing) {
        let top = drawHeader(in: frame, on: &drawing)
        let all = contenders.flatMap { $0.runs.flatMap { $0.steps.map(\.score) } }
        let curves = CurvesLayer(scene)
        let plotted = all.compactMap { curves.plotted($0) }
        guard message == nil, !plotted.isEmpty else {
            scene.drawMessage(
                message ?? "No score fits this axis.",
                in: Frame(left: frame.left, top: top, right: frame.right, bottom: frame.bottom), on: &drawing)
            return
        }
        let finals = contenders.flatMap(\.finals).compactMap { curves.plotted($0) }
        let range = visible(plotted, finals)
        var y = Scale(fitting: [range.lowerBound, range.upperBound], isLogarithmic: curves.isLogarithmic)
        var plot = Frame(
            left: 0, top: top + 6, right: frame.right - scene.margin - 10, bottom: frame.bottom - Scene.axisHeight)
        (y.start, y.end) = (plot.bottom, plot.top)
        let ticks = y.ticks(about: Int(saturating: plot.height / 45))
        plot.left = frame.left + scene.margin + scene.labelWidth(ticks) + 5
        let labels = endLabels
        plot.right -= labels.reduce(0) { max($0, TextWidth.of($1.text, size: 11, isBold: true) + 8) }
        let end = contenders.reduce(1) { max($0, $1.end) }
        let x = Scale(low: 0, high: end, from: plot.left, to: plot.right)
        scene.drawRows(ticks, y, in: plot, on: &drawing)
        for place in contenders.indices.reversed() { draw(place, x, y, in: plot, on: &drawing) }
        drawEnds(labels, y, in: plot, on: &drawing)
        scene.drawColumns(
            scene.options.axis == .training
                ? x.wholeTicks(about: Int(saturating: plot.width / 60)) : scene.progressTicks(x, in: plot),
            x, in: plot,
            label: scene.options.axis == .training ? "Finished intervals (all members)" : scene.progressLabel,
            on: &drawing)
    }

    /// Returns the visible range of scores, without the worst early ones where they would flatten the final ones.
    private func visible(_ values: [Double], _ finals: [Double]) -> ClosedRange<Double> {
        CurvesLayer(scene).visible(values + finals).range
    }

    /// The labels of the final medians at the right edge, of contenders with a color.
    private var endLabels: [(score: Double, text: String, color: String)] {
        contenders.indices.compactMap { place in
            guard place < colored || contenders[place].isBaseline, let median = final(contenders[place]) else {
                return nil
            }
            return (median, Format.score(median), color(place))
        }
    }

    private func drawEnds(
        _ labels: [(score: Double, text: String, color: String)], _ y: Scale, in plot: Frame, on drawing: inout Drawing
    ) {
        let curves = CurvesLayer(scene)
        var placed = labels.compactMap { label -> (y: Double, text: String, color: String)? in
            curves.plotted(label.score).flatMap { y.position($0) }.map {
                (min(max($0, plot.top), plot.bottom), label.text, label.color)
            }
        }.sorted { $0.y < $1.y }
        // Move down until none overlaps the one above, then up again from the lower edge.
        for place in placed.indices.dropFirst() { placed[place].y = max(placed[place].y, placed[place - 1].y + 13) }
        var floor = plot.bottom + 4
        for place in placed.indices.reversed() {
            placed[place].y = min(placed[place].y, floor)
            floor = placed[place].y - 13
        }
        for label in placed {
            drawing.text(
                label.text, at: Point(x: plot.right + 6, y: label.y + 4), fill: label.color, isBold: true)
        }
    }

    private func draw(_ place: Int, _ x: Scale, _ y: Scale, in plot: Frame, on drawing: inout Drawing) {
        let contender = contenders[place]
        let color = color(place)
        let canvas = CurvesLayer.Canvas(layer: CurvesLayer(scene), plot: plot, x: x, y: y)
        let width = place < colored || contender.isBaseline ? 2.5 : 1
        let dash = contender.isBaseline ? "5 3" : nil
        func point(_ at: Double, _ score: Double) -> Point? {
            guard let value = CurvesLayer(scene).plotted(score), let px = x.position(at), let py = y.position(value)
            else { return nil }
            return Point(x: px, y: min(max(py, -1e6), 1e6))
        }
        if let run = contender.runs.first, contender.runs.count == 1 {
            var points: [Point?] = []
            for step in run.steps {
                guard let new = point(step.at, step.score) else { continue }
                if case let last?? = points.last { points.append(Point(x: new.x, y: last.y)) }
                points.append(new)
            }
            if case let last?? = points.last, let end = x.position(run.end) { points.append(Point(x: end, y: last.y)) }
            drawing.lines(canvas.clipped(points), stroke: color, width: width, dash: dash)
            return
        }
        var (low, high, median): ([Point], [Point], [Point?]) = ([], [], [])
        let count = 100
        for step in 1...count {
            let at = contender.end * Double(step) / Double(count)
            let scores = contender.runs.compactMap { $0.score(at: at) }
            // The median of less than half of the seeds would be misleading.
            guard scores.count * 2 >= contender.runs.count, let middle = Contender.quantile(scores, 0.5),
                let below = Contender.quantile(scores, 0.25), let above = Contender.quantile(scores, 0.75),
                let a = point(at, below), let b = point(at, above)
            else { continue }
            median.append(point(at, middle))
            low.append(a)
            high.append(b)
        }
        var data = PathData()
        data.line(
            through: (high + low.reversed()).map { Point(x: $0.x, y: min(max($0.y, plot.top), plot.bottom)) })
        data.close()
        if high.count > 1, place < colored || contender.isBaseline {
            drawing.area(data, fill: color, opacity: "0.18")
        }
        drawing.lines(canvas.clipped(median), stroke: color, width: width, dash: dash)
    }
}

extension Chart {
    /// Draws a comparison of several runs: the best score so far over the number of finished intervals of all members,
    /// or over time.
    ///
    /// Runs whose definitions differ only in name and seed are drawn as one: the median and the interquartile range
    /// over the seeds. Their random searches are one more.
    ///
    /// - Parameters:
    ///   - histories: The runs.
    ///   - options: The options of the chart.
    /// - Returns: The chart.
    public static func comparison(of histories: [History], options: Options = Options()) -> Chart {
        guard let first = histories.first else {
            let drawing = Drawing(Palette(options.theme))
            let width = Double(options.width.rawValue)
            return Chart(
                title: "Comparison", summary: "There is nothing to compare.", width: width, height: 60, drawing: drawing
            )
        }
        let scene = Scene(first, options)
        let layer = ComparisonLayer(histories, scene)
        let height = layer.height(plot: height(of: options.width, 200, 280, 360))
        var drawing = Drawing(scene.palette)
        layer.draw(in: Frame(left: 0, top: 0, right: scene.width, bottom: height), on: &drawing)
        return Chart(
            title: "Comparison of \(scene.count(histories.count, "run", "runs"))", summary: layer.sentence,
            width: scene.width, height: height, drawing: drawing)
    }
}
