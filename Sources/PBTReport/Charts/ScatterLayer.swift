// SPDX-License-Identifier: Apache-2.0

import PBT

/// Two hyperparameters plotted against each other, PBT next to random search on the same axes.
struct ScatterLayer {
    let scene: Scene
    private let across: Varying?
    /// The hyperparameter of the vertical axis; none: the score.
    private let upright: Varying?

    /// The points of other panels, whose axes are the same; see ``Chart/scatter(of:options:)``.
    var others: (x: [Double], y: [Double]) = ([], [])
    /// The title and legend of a panel among others: its own title, and no legend.
    var panelTitle: String?

    /// The maximum number of dots per panel.
    static let mostDots = 600

    init(_ scene: Scene) {
        self.scene = scene
        let all = scene.history.varying.map(\.spread)
        var chosen = scene.options.hyperparameters.compactMap { name in
            all.first { $0.name == name } ?? Varying(metric: name, scene.intervals, scene.history.baseline?.intervals)
        }
        // Logarithmic scales first, then other scales, then categories; each in the order of the space.
        let ranked =
            all.filter { $0.isLogarithmic } + all.filter { !$0.isLogarithmic && $0.categories == nil }
            + all.filter { $0.categories != nil }
        for varying in ranked where chosen.count < 2 && !chosen.contains(where: { $0.name == varying.name }) {
            chosen.append(varying)
        }
        across = chosen.first
        upright = chosen.count > 1 ? chosen[1] : nil
    }

    /// True when the two panels are stacked vertically.
    private var isStacked: Bool { scene.isNarrow }
    private var hasBaseline: Bool { scene.baseline != nil }

    var height: Double {
        let panel = Chart.height(of: scene.options.width, 240, 290, 380)
        return 60 + (isStacked && hasBaseline ? 2 * panel : panel) + 24
    }

    var title: String {
        guard let across else { return "\(scene.name): no hyperparameter varies" }
        let other = upright.map { XML.name($0.name, width: 30) } ?? scene.metric
        return "Explored configurations: \(XML.name(across.name, width: 30)) and \(other)"
    }

    /// A summary: the position of the highlighted interval on the axes.
    var sentence: String {
        let shown = [across, upright].compactMap(\.self)
        guard let tip = scene.tip, let founder = scene.path.first.map({ scene.intervals[$0] }), !shown.isEmpty else {
            return scene.sentence
        }
        func values(_ interval: Interval) -> String {
            shown.map { varying in
                let value = interval.hyperparameters[varying.name] ?? interval.metrics[varying.name]
                return "\(XML.name(varying.name)) \(XML.name(Format.value(value)))"
            }.joined(separator: " and ")
        }
        let best = scene.isBest ? "The best of \(scene.name), \(tip.id)," : "\(tip.id) of \(scene.name)"
        return scene.path.count == 1
            ? "\(best) has \(values(tip))." : "\(best) has \(values(tip)); its founder started with \(values(founder))."
    }

    /// The positions of all points on the two axes.
    var points: (x: [Double], y: [Double]) {
        guard let across else { return ([], []) }
        let dots = dots(Population(scene.history.genealogy, scene.history.columns, across, upright) { $0.numbers })
        return (dots.map(\.x), dots.map(\.y))
    }

    func draw(in frame: Frame, on drawing: inout Drawing) {
        var top = scene.drawTitle(panelTitle ?? title, in: frame, on: &drawing)
        guard let across else {
            scene.drawMessage("All hyperparameters are constant.", in: frame, on: &drawing)
            return
        }
        let pieces = upright == nil ? scene.history.pieceOfPlace : scene.history.firstPieces
        var populations = [
            Population(scene.history.genealogy, scene.history.columns, across, upright) { $0.numbers }
        ]
        if let genealogy = scene.history.baseline, let columns = scene.baselineColumns {
            populations.append(Population(genealogy, columns, across, upright) { $0.baselineNumbers })
        }
        let dots = populations.enumerated().map { place, population in
            self.dots(population, pieces: place == 0 && scene.palette.isPage ? pieces : nil)
        }
        guard dots.contains(where: { !$0.isEmpty }) else {
            scene.drawMessage("No interval has finished yet.", in: frame, on: &drawing)
            return
        }
        let isThinned = dots.contains { $0.count > Self.mostDots }
        if panelTitle == nil {
            top += legend(isThinned).draw(
                from: frame.left + scene.margin, to: frame.right - scene.margin, top: top, on: &drawing)
        }
        let x = scale(across, dots.flatMap { $0.map(\.x) } + others.x)
        let y = scale(upright, dots.flatMap { $0.map(\.y) } + others.y)
        let frames = panels(
            dots.count, in: Frame(left: frame.left, top: top, right: frame.right, bottom: frame.bottom))
        for (place, panel) in frames.enumerated() {
            draw(
                populations[place], dots[place], x, y,
                place == 0 ? (hasBaseline ? "Population based training" : "") : scene.history.baselineTitle,
                best: place == 0 ? scene.history.best : scene.history.baselineBest, isBaseline: place == 1, in: panel,
                on: &drawing)
        }
    }

    private func panels(_ count: Int, in frame: Frame) -> [Frame] {
        guard count == 2 else { return [frame] }
        if isStacked {
            let middle = (frame.top + frame.bottom) / 2
            return [
                Frame(left: frame.left, top: frame.top, right: frame.right, bottom: middle),
                Frame(left: frame.left, top: middle, right: frame.right, bottom: frame.bottom),
            ]
        }
        let middle = (frame.left + frame.right) / 2
        return [
            Frame(left: frame.left, top: frame.top, right: middle, bottom: frame.bottom),
            Frame(left: middle, top: frame.top, right: frame.right, bottom: frame.bottom),
        ]
    }

    private func legend(_ isThinned: Bool) -> Legend {
        let palette = scene.palette
        var legend = Legend()
        legend.add(.dots([palette.trunk]), "Configuration; size = training")
        legend.add(.none, "Opacity = score")
        if scene.isBest {
            legend.add(.star(palette.best), "Best")
            legend.add(.line(palette.best, width: 1.5, dash: nil), "Path of the best")
        }
        if scene.options.showsBestOfEach { legend.add(.star(palette.ink), "Best of each interval; larger = later") }
        if isThinned { legend.add(.none, "Showing \(Self.mostDots) dots per panel: the best and a sample") }
        return legend
    }

    /// A configuration.
    private struct Dot {
        var x: Double
        var y: Double
        var depth: Int
        /// 0 for the worst score, 1 for the best.
        var rank: Double
        /// The first piece of its life, since every lineage through that life contains it; its own piece if the
        /// vertical axis is the score.
        var piece: Int?
    }

    /// Intervals with their positions on the two axes.
    private struct Population {
        let genealogy: Genealogy
        let columns: Columns
        /// Returns each interval's number on an axis, the index for a category; NaN if the axis cannot show it.
        let across: [Double]
        let upright: [Double]

        init(
            _ genealogy: Genealogy, _ columns: Columns, _ across: Varying, _ upright: Varying?,
            numbers: (Varying) -> [Double]
        ) {
            func drawn(_ varying: Varying) -> [Double] {
                numbers(varying).map { varying.isDrawn($0) ? $0 : .nan }
            }
            self.genealogy = genealogy
            self.columns = columns
            self.across = drawn(across)
            self.upright = upright.map(drawn) ?? columns.scores
        }

        /// Returns the place of the best scored interval of each index, from 0; of equal scores the first member's.
        func bestOfEach(by objective: Objective) -> [Int?] {
            var best = [Int?](repeating: nil, count: columns.lastIndex + 1)
            for (place, score) in columns.scores.enumerated() where !score.isNaN {
                let index = columns.ids[place].index
                guard best.indices.contains(index) else { continue }
                if let leader = best[index], !objective.isBetter(score, than: columns.scores[leader]) { continue }
                best[index] = place
            }
            return best
        }

        /// Returns whether a member continues with the same values, so that one dot represents both intervals.
        func goesOn(after place: Int) -> Bool {
            let next = place + 1
            return next < columns.ids.count && genealogy.parents[next] == place
                && columns.ids[next].member == columns.ids[place].member && !columns.scores[next].isNaN
                && across[next] == across[place] && upright[next] == upright[place]
        }
    }

    /// Returns one dot for each run of a member's intervals with the same values, at its last one; worst first.
    private func dots(_ population: Population, pieces: [Int]? = nil) -> [Dot] {
        var found: [(key: Double, dot: Dot)] = []
        for (place, score) in population.columns.scores.enumerated() where !score.isNaN {
            let (x, y) = (population.across[place], population.upright[place])
            guard !x.isNaN, !y.isNaN, !population.goesOn(after: place) else { continue }
            found.append(
                (
                    scene.objective.key(score),
                    Dot(x: x, y: y, depth: population.columns.depths[place], rank: 0, piece: pieces?[place])
                ))
        }
        let order = found.indices.sorted { (found[$0].key, $0) < (found[$1].key, $1) }
        return order.enumerated().map { rank, place in
            var dot = found[place].dot
            dot.rank = Double(rank + 1) / Double(order.count)
            return dot
        }
    }

    private func scale(_ varying: Varying?, _ values: [Double]) -> Scale {
        if let categories = varying?.categories {
            return Scale(low: -0.5, high: Double(max(1, categories.count)) - 0.5, from: 0, to: 1)
        }
        return Scale(
            fitting: values + (varying?.bounds.map { [$0.lowerBound, $0.upperBound] } ?? []),
            isLogarithmic: varying?.isLogarithmic ?? false)
    }

    private func ticks(_ scale: Scale, _ varying: Varying?, about count: Int) -> [Scale.Tick] {
        if let steps = varying?.steps { return Self.ticks(scale, at: steps, about: count) }
        guard let categories = varying?.categories else { return scale.ticks(about: count) }
        let every = max(1, categories.count / max(1, count) + (categories.count % max(1, count) == 0 ? 0 : 1))
        return stride(from: 0, to: categories.count, by: every).map {
            Scale.Tick(value: Double($0), label: XML.name(Format.value(categories[$0]), width: 10))
        }
    }

    /// Returns ticks at the values of choices, without those that are too close to the one before.
    private static func ticks(_ scale: Scale, at values: [Double], about count: Int) -> [Scale.Tick] {
        var last = -Double.infinity
        return values.compactMap { value in
            guard let share = scale.share(value), share - last >= 0.8 / Double(max(1, count)) else { return nil }
            last = share
            return Scale.Tick(value: value, label: XML.name(Format.value(.number(value)), width: 10))
        }
    }

    private func draw(
        _ population: Population, _ dots: [Dot], _ across: Scale, _ upright: Scale, _ heading: String, best: Interval?,
        isBaseline: Bool,
        in frame: Frame, on drawing: inout Drawing
    ) {
        let palette = scene.palette
        var top = frame.top
        if !heading.isEmpty {
            let score = best?.finiteScore.map { ", best \(Format.score($0))" } ?? ""
            drawing.text(
                TextWidth.fitted(heading + score, to: frame.width - 2 * scene.margin, size: 12, isBold: true),
                at: Point(x: frame.left + scene.margin, y: top + 16), size: 12, fill: palette.ink, isBold: true)
            top += 20
        }
        top = scene.drawCaption(
            self.upright?.label ?? scene.metric, in: frame, top: top + 2, on: &drawing)
        var (x, y) = (across, upright)
        var plot = Frame(
            left: 0, top: top + 4, right: frame.right - scene.margin, bottom: frame.bottom - Scene.axisHeight)
        (y.start, y.end) = (plot.bottom, plot.top)
        let rows = ticks(y, self.upright, about: Int(saturating: plot.height / 40))
        plot.left = frame.left + scene.margin + scene.labelWidth(rows) + 5
        (x.start, x.end) = (plot.left, plot.right)
        scene.drawRows(rows, y, in: plot, on: &drawing)
        scene.drawColumns(
            ticks(x, self.across, about: Int(saturating: plot.width / 42)), x, in: plot,
            label: self.across?.label ?? "",
            on: &drawing)
        for dot in thinned(dots) {
            guard let px = x.position(dot.x), let py = y.position(dot.y),
                plot.contains(Point(x: px, y: py))
            else { continue }
            let opacity = ["0.15", "0.25", "0.4", "0.6"][min(3, max(0, Int(saturating: dot.rank * 4)))]
            drawing.circle(
                Point(x: px, y: py), radius: radius(dot.depth), fill: isBaseline ? palette.baseline : palette.trunk,
                opacity: opacity, piece: dot.piece)
        }
        func point(_ place: Int) -> Point? {
            guard let px = x.position(population.across[place]), let py = y.position(population.upright[place])
            else { return nil }
            return Point(x: px, y: py)
        }
        if !isBaseline { drawPath(scene.path.compactMap(point), on: &drawing) }
        if scene.options.showsBestOfEach {
            drawStars(population.bestOfEach(by: scene.objective).map { $0.flatMap(point) }, on: &drawing)
        }
        guard let center = best.flatMap({ population.genealogy.place(of: $0.id) }).flatMap(point) else { return }
        if isBaseline {
            drawing.star(center, radius: 7, fill: palette.background, stroke: palette.ink)
        } else {
            drawing.star(center, radius: 8, fill: palette.best)
        }
    }

    /// Draws a star for the best of each interval, larger for later ones; nil where the axes cannot show it.
    private func drawStars(_ points: [Point?], on drawing: inout Drawing) {
        var stars = PathData()
        for (place, point) in points.enumerated() {
            guard let point else { continue }
            if stars.points > Decimation.limit - 10 {
                drawing.area(stars, fill: scene.palette.ink)
                stars = PathData()
            }
            stars.star(at: point, radius: 3 + 3 * Double(place + 1) / Double(points.count))
        }
        drawing.area(stars, fill: scene.palette.ink)
    }

    private func radius(_ depth: Int) -> Double {
        2 + 4 * (Double(depth) / scene.depth).squareRoot()
    }

    /// Draws the lineage's configurations, joined in the order of training.
    private func drawPath(_ points: [Point], on drawing: inout Drawing) {
        var distinct: [Point] = []
        for point in points where distinct.last != point { distinct.append(point) }
        drawing.lines([distinct], stroke: scene.pathColor, width: 1.5, isTip: true)
        // An arrow for the direction, where there is space.
        var arrows = PathData()
        for (a, b) in zip(distinct, distinct.dropFirst()) where arrows.points < Decimation.limit - 3 {
            let (dx, dy) = (b.x - a.x, b.y - a.y)
            let length = (dx * dx + dy * dy).squareRoot()
            guard length > 26 else { continue }
            let (ux, uy) = (dx / length, dy / length)
            let tip = Point(x: (a.x + b.x) / 2 + 4 * ux, y: (a.y + b.y) / 2 + 4 * uy)
            arrows.line(through: [
                Point(x: tip.x - 7 * ux - 3.5 * uy, y: tip.y - 7 * uy + 3.5 * ux), tip,
                Point(x: tip.x - 7 * ux + 3.5 * uy, y: tip.y - 7 * uy - 3.5 * ux),
            ])
        }
        drawing.path(arrows, stroke: scene.pathColor, width: 1.5)
        // The markers grow along the lineage.
        var stars = PathData()
        for (place, point) in distinct.enumerated() {
            if stars.points > Decimation.limit - 10 {
                drawing.area(stars, fill: scene.pathColor)
                stars = PathData()
            }
            stars.star(at: point, radius: 3 + 2.5 * Double(place + 1) / Double(distinct.count))
        }
        drawing.area(stars, fill: scene.pathColor)
    }

    /// Returns at most `mostDots` dots: the best tenth and an even sample of the others; worst first, so that the best
    /// are on top.
    private func thinned(_ dots: [Dot]) -> [Dot] {
        guard dots.count > Self.mostDots else { return dots }
        let kept = Self.mostDots / 10
        let rest = dots.count - kept
        let sampled = Self.mostDots - kept
        return (0..<sampled).map { dots[$0 * rest / sampled] } + dots.suffix(kept)
    }
}

extension Chart {
    /// Draws two hyperparameters or metrics against each other, with random search next to PBT on the same axes.
    ///
    /// With one varying hyperparameter, the other axis is the score.
    ///
    /// - Parameters:
    ///   - history: The experiment.
    ///   - options: The options of the chart.
    /// - Returns: The chart.
    public static func scatter(of history: History, options: Options = Options()) -> Chart {
        let scene = Scene(history, options)
        let layer = ScatterLayer(scene)
        var drawing = Drawing(scene.palette)
        layer.draw(in: Frame(left: 0, top: 0, right: scene.width, bottom: layer.height), on: &drawing)
        return Chart(
            title: layer.title, summary: layer.sentence, width: scene.width, height: layer.height, drawing: drawing)
    }
}
