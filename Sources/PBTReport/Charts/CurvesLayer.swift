// SPDX-License-Identifier: Apache-2.0

import PBT

/// Scores over training.
struct CurvesLayer {
    let scene: Scene
    private let bound: Double
    let isLogarithmic: Bool

    init(_ scene: Scene) {
        self.scene = scene
        switch scene.options.scale {
        case .linear: (bound, isLogarithmic) = (.nan, false)
        case .logarithmic: (bound, isLogarithmic) = (.nan, true)
        case .error(let bound): (self.bound, isLogarithmic) = (bound, true)
        }
    }

    private var isError: Bool { !bound.isNaN }

    /// Returns the plotted value of a score; none when the axis cannot show it.
    func plotted(_ score: Double) -> Double? {
        let value = isError ? (scene.objective.goal == .maximize ? bound - score : score - bound) : score
        return value.isFinite && (!isLogarithmic || value > 0) ? value : nil
    }

    /// The title of the score axis, with the direction of improvement.
    var caption: String {
        let isHigherBetter = scene.objective.goal == .maximize && !isError
        let what =
            switch scene.options.scale {
            case .linear: scene.metric
            case .logarithmic: "\(scene.metric) (log)"
            case .error(let bound):
                scene.objective.goal == .maximize
                    ? "\(bound.short) − \(scene.metric) (log)" : "\(scene.metric) − \(bound.short) (log)"
            }
        return "\(what), \(isHigherBetter ? "higher is better ↑" : "lower is better ↓")"
    }

    /// Returns the total height of a plot, including its header and axis.
    func height(plot: Double, width: Double) -> Double {
        var scratch = Drawing(scene.palette)
        let header = drawHeader(
            in: Frame(left: 0, top: 0, right: width, bottom: 0), beyond: 0, on: &scratch)
        return (header + 6 + plot + Scene.axisHeight).rounded(.up)
    }

    /// Draws the header, and returns its lower edge.
    private func drawHeader(in frame: Frame, beyond: Int, on drawing: inout Drawing) -> Double {
        var top = scene.drawTitle(scene.headline, in: frame, on: &drawing)
        guard scene.history.best != nil || scene.history.baselineBest != nil else { return top }
        top += legend(beyond: beyond)
            .draw(from: frame.left + scene.margin, to: frame.right - scene.margin, top: top, on: &drawing)
        return scene.drawCaption(caption, in: frame, top: top + 2, on: &drawing)
    }

    func draw(in frame: Frame, on drawing: inout Drawing) {
        let all = ([scene.history.columns] + (scene.baselineColumns.map { [$0] } ?? [])).flatMap { columns in
            columns.scores.indices.compactMap { place in
                columns.end(place, on: scene.options.axis).isNaN ? nil : plotted(columns.scores[place])
            }
        }
        let (values, isCut) = visible(all)
        let top = drawHeader(in: frame, beyond: isCut ? all.count { !values.contains($0) } : 0, on: &drawing)
        guard !all.isEmpty else {
            scene.drawMessage(
                scene.history.columns.lastIndex < 0
                    ? "No interval has finished yet."
                    : scene.reached > 0
                        ? "No score fits this axis." : "No interval has a recorded finish time.",
                in: Frame(left: frame.left, top: top, right: frame.right, bottom: frame.bottom), on: &drawing)
            return
        }
        var plot = Frame(
            left: 0, top: top + 6, right: frame.right - scene.margin, bottom: frame.bottom - Scene.axisHeight)
        var y = Scale(fitting: [values.lowerBound, values.upperBound], isLogarithmic: isLogarithmic)
        (y.start, y.end) = (plot.bottom, plot.top)
        let ticks = y.ticks(about: Int(saturating: plot.height / 45))
        plot.left = frame.left + scene.margin + scene.labelWidth(ticks) + 5
        let ends = endLabels
        plot.right -= ends.reduce(10) { max($0, TextWidth.of($1.text, size: 11, isBold: true) + 8) }
        let x = Scale(low: 0, high: scene.extent, from: plot.left, to: plot.right)
        scene.drawRows(ticks, y, in: plot, on: &drawing)
        scene.drawColumns(
            scene.progressTicks(x, in: plot), x, in: plot, label: scene.progressLabel, on: &drawing)

        let canvas = Canvas(layer: self, plot: plot, x: x, y: y)
        canvas.drawBaseline(on: &drawing)
        canvas.drawPopulation(on: &drawing)
        canvas.drawBestSoFar(on: &drawing)
        canvas.drawPath(on: &drawing)
        canvas.drawEnds(ends, on: &drawing)
    }

    /// The labels of the best scores at the right edge.
    private var endLabels: [(score: Double, text: String, color: String)] {
        var labels: [(Double, String, String)] = []
        if let best = scene.history.best?.finiteScore {
            labels.append((best, Format.score(best), scene.palette.best))
        }
        if scene.baseline != nil, let best = scene.history.baselineBest?.finiteScore {
            labels.append((best, Format.score(best), scene.palette.baseline))
        }
        return labels
    }

    /// Returns the plotted range.
    ///
    /// On a linear axis a few scores that are far worse than the rest are cut off, since they would compress all
    /// others; never those of the highlighted lineage.
    func visible(_ values: [Double]) -> (range: ClosedRange<Double>, isCut: Bool) {
        let sorted = values.sorted()
        guard let low = sorted.first, let high = sorted.last else { return (0...1, false) }
        guard !isLogarithmic else { return (low...high, false) }
        let isMaximized = scene.objective.goal == .maximize
        let place = Int(saturating: Double(sorted.count - 1) * (isMaximized ? 0.03 : 0.97))
        let (best, worst) = isMaximized ? (high, low) : (low, high)
        let usual = sorted[place]
        // Halved, since a difference of large numbers overflows.
        let reach = 4 * (best / 2 - usual / 2).magnitude
        guard reach > 0, (best / 2 - worst / 2).magnitude > reach else { return (low...high, false) }
        let path = scene.path.compactMap { plotted(scene.history.columns.scores[$0]) }
        let kept = sorted.filter { (best / 2 - $0 / 2).magnitude <= reach } + path
        return ((kept.min() ?? low)...(kept.max() ?? high), true)
    }

    private func legend(beyond: Int) -> Legend {
        let palette = scene.palette
        var legend = Legend()
        if scene.isBest {
            legend.add(.star(palette.best), "Best")
            legend.add(.line(palette.best, width: 3, dash: nil), "Lineage of the best")
            legend.add(.line(palette.best, width: 1, dash: nil), "Best so far")
        } else if let tip = scene.tip {
            legend.add(.line(palette.ink, width: 3, dash: nil), "Lineage of \(tip.id)")
        }
        if scene.history.copies > 0 {
            legend.add(.ring(palette.trunk), "Copy")
        }
        if scene.drawsEachMember || scene.topMembers != nil {
            for (mark, text) in scene.coloring.key { legend.add(mark, text) }
            if scene.history.copies > 0 {
                if scene.coloring.isFamily {
                    legend.add(.line(palette.extinct, width: 1.5, dash: nil), "Extinct lineage")
                } else {
                    legend.add(.none, "Thin and pale: extinct lineages")
                }
            }
        }
        if !scene.drawsEachMember {
            legend.add(
                .band(palette.extinct, opacity: palette.band), "10th–90th percentile of \(scene.members) members")
            legend.add(.line(palette.trunk, width: 1.5, dash: nil), "Median")
        }
        if let baseline = scene.baselineColumns {
            let members = baseline.members
            legend.add(
                .line(palette.baseline, width: 1.2, dash: "4 3"),
                members > Scene.fewBaselineMembers
                    ? "\(scene.history.baselineTitle): best, median, 10th–90th percentile"
                    : scene.history.baselineTitle)
        }
        if scene.history.columns.hasLosses {
            legend.add(.cross(palette.ink), "Diverged or failed")
        }
        scene.addTop(to: &legend)
        if beyond > 0 {
            legend.add(.none, "\(scene.count(beyond, "score", "scores")) outside the axis")
        }
        return legend
    }
}

extension Chart {
    /// Draws learning curves: scores over training, with the lineage of the best interval highlighted.
    ///
    /// A member's curve breaks where it was replaced: a dotted line leads to the point of the donor's curve where it
    /// continues. Of more than 24 members the median and the range from the 10th to the 90th percentile are shown.
    ///
    /// - Parameters:
    ///   - history: The experiment.
    ///   - options: The options of the chart.
    /// - Returns: The chart.
    public static func curves(of history: History, options: Options = Options()) -> Chart {
        let scene = Scene(history, options)

        let layer = CurvesLayer(scene)
        let height = layer.height(plot: Self.height(of: options.width, 200, 280, 380), width: scene.width)
        var drawing = Drawing(scene.palette)
        layer.draw(
            in: Frame(left: 0, top: 0, right: scene.width, bottom: height), on: &drawing)
        return Chart(
            title: "Learning curves of \(scene.name)", summary: scene.sentence, width: scene.width, height: height,
            drawing: drawing)
    }
}
