// SPDX-License-Identifier: Apache-2.0

import PBT

/// One panel of a schedule.
struct ScheduleCanvas {
    let layer: ScheduleLayer
    let varying: Varying
    let plot: Frame
    let x: Scale

    private var scene: Scene { layer.scene }
    private var palette: Palette { scene.palette }

    /// The title: the name, and the values at the lineage's two ends.
    func drawCaption(from left: Double, top: Double, on drawing: inout Drawing) {
        let values = [scene.path.first, scene.path.last].map { place in
            place.map { XML.name(Format.value(scene.intervals[$0].hyperparameters[varying.name])) } ?? "-"
        }
        let range = values[0] == values[1] ? values[0] : "\(values[0]) → \(values[1])"
        let room = plot.right - left
        let shown = TextWidth.fitted(range, to: room * 0.5, size: Drawing.textSize)
        let width = TextWidth.of(shown, size: Drawing.textSize)
        let name = TextWidth.fitted(varying.label, to: room - width - 16, size: Drawing.textSize, isBold: true)
        drawing.text(name, at: Point(x: left, y: top + 16), fill: palette.ink, isBold: true)
        drawKey(
            from: left + TextWidth.of(name, size: Drawing.textSize, isBold: true) + 12, to: plot.right - width - 12,
            top: top, on: &drawing)
        drawing.text(shown, at: Point(x: plot.right, y: top + 16), anchor: .end, fill: scene.pathColor)
    }

    /// Draws the colors of the categories, where there is space for all of them.
    private func drawKey(from left: Double, to right: Double, top: Double, on drawing: inout Drawing) {
        guard let categories = varying.categories, categories.count <= palette.families.count else { return }
        let names = categories.map { XML.name(Format.value($0), width: 16) }
        let widths = names.map { 12 + TextWidth.of($0, size: 10) + 10 }
        guard widths.reduce(left, +) <= right else { return }
        var x = left
        for (category, (name, width)) in zip(names, widths).enumerated() {
            drawing.circle(
                Point(x: x + 4, y: top + 12), radius: 3.5, fill: color(category, of: categories.count))
            drawing.text(name, at: Point(x: x + 11, y: top + 16), size: 10)
            x += width
        }
    }

    /// Returns the values along some intervals as a step function, each from the end of its parent's training to its
    /// own.
    private func stairs(_ places: some Sequence<Int>, _ y: Scale) -> [[Point]] {
        var lines: [[Point]] = []
        var current: [Point] = []
        for place in places {
            guard let height = y.position(varying.numbers[place]).map({ min(max($0, -1e6), 1e6) }),
                let start = x.position(scene.begin(place)), let end = x.position(scene.end(place))
            else {
                lines.append(current)
                current = []
                continue
            }
            if let last = current.last, last.y == height {
                current[current.count - 1].x = end
            } else {
                current += [Point(x: start, y: height), Point(x: end, y: height)]
            }
        }
        lines.append(current)
        return lines.filter { $0.count > 1 }
    }

    /// Draws the background: the bounds, and the range of the population if it is large.
    func drawGround(_ y: Scale, on drawing: inout Drawing) {
        if let bounds = varying.bounds {
            for bound in [bounds.lowerBound, bounds.upperBound] where y.contains(bound) {
                guard let height = y.position(bound) else { continue }
                drawing.line(
                    Point(x: plot.left, y: height), Point(x: plot.right, y: height), stroke: palette.muted, dash: "1 3")
            }
        }
        if !scene.drawsEachMember { drawBand(y, on: &drawing) }
    }

    /// Returns a piece's values as a step function.
    func stairs(of piece: Piece, _ y: Scale) -> [[Point]] {
        stairs(piece.places.filter { scene.history.columns.states[$0].isFinished }, y)
    }

    /// Draws the highlighted lineage, and the changes along it.
    func drawPath(_ y: Scale, on drawing: inout Drawing) {
        drawing.lines(stairs(scene.path, y), stroke: scene.pathColor, width: 3, isTip: true)
        drawChanges(y, on: &drawing)
    }

    private func drawBand(_ y: Scale, on drawing: inout Drawing) {
        let columns = scene.history.columns
        let values = columns.population(on: scene.options.axis).map { at, places in
            (
                at,
                places.compactMap { place -> Double? in
                    let value = varying.numbers[place]
                    return columns.states[place].isFinished && varying.isDrawn(value) ? value : nil
                }
            )
        }
        let steps = Band(values).steps
        let shift = scene.options.axis == .training ? 0.5 : 0
        guard steps.count > 1 else { return }
        func side(_ value: (Band.Step) -> Double) -> [Point] {
            steps.compactMap { step in
                guard let px = x.position(step.at - shift), let py = y.position(value(step)) else { return nil }
                return Point(x: px, y: py)
            }
        }
        var data = PathData()
        data.line(through: side { $0.high } + side { $0.low }.reversed())
        data.close()
        drawing.area(data, fill: palette.extinct, opacity: palette.band)
    }

    /// A change along the lineage.
    private struct Step {
        var x: Double
        var from: Double
        var to: Double
        var label: String
    }

    private func changes(_ y: Scale) -> [Step] {
        zip(scene.path, scene.path.dropFirst()).compactMap { parent, child in
            guard let change = scene.intervals[child].changes.first(where: { $0.name == varying.name }),
                !change.isKept, let to = y.position(varying.numbers[child]),
                let px = x.position(scene.begin(child))
            else { return nil }
            return Step(
                x: px, from: y.position(varying.numbers[parent]) ?? to, to: to,
                label: change.operation == "resampled" ? "↻" : XML.name(change.operation, width: 8))
        }
    }

    /// Marks each change with a dot, and with its operation where the text does not overlap a line.
    private func drawChanges(_ y: Scale, on drawing: inout Drawing) {
        let steps = changes(y)
        var dots = PathData()
        for step in steps where dots.points < Decimation.limit - 3 {
            dots.circle(at: Point(x: step.x, y: step.to), radius: 2)
        }
        drawing.area(dots, fill: scene.pathColor)
        var end = -Double.infinity
        for (place, step) in steps.enumerated() {
            let width = TextWidth.of(step.label, size: 10)
            let left = step.x + 3
            guard left > end + 4, left + width <= plot.right + 4 else { continue }
            // On the side of the new level that is away from the step; on the other side if that is outside.
            let above = step.to - 5
            let below = step.to + 12
            let options = step.to < step.from ? [above, below] : [below, above]
            let fits = options.first { baseline in
                guard baseline - 8 >= plot.top - 4, baseline <= plot.bottom + 2 else { return false }
                return steps[(place + 1)...].prefix { $0.x < left + width + 2 }.allSatisfy { other in
                    max(other.from, other.to) < baseline - 9 || min(other.from, other.to) > baseline + 2
                }
            }
            guard let baseline = fits else { continue }
            end = left + width
            drawing.text(step.label, at: Point(x: left, y: baseline), size: 10)
        }
    }

    /// Returns the color of a category: a hue while they are few, else one of two alternating grays.
    private func color(_ category: Int, of count: Int) -> String {
        count <= palette.families.count ? palette.families[category] : [palette.extinct, palette.trunk][category % 2]
    }

    /// A lineage's categories as a strip, above the share of each in the population.
    func drawStrip(on drawing: inout Drawing) {
        guard let categories = varying.categories, !categories.isEmpty else { return }
        let strip = Frame(left: plot.left, top: plot.top - 2, right: plot.right, bottom: plot.top + 14)
        var runs: [(category: Int, from: Double, to: Double)] = []
        for place in scene.path {
            guard let category = varying.category(at: place) else { continue }
            let (begin, end) = (scene.begin(place), scene.end(place))
            if let last = runs.last, last.category == category, last.to == begin {
                runs[runs.count - 1].to = end
            } else {
                runs.append((category, begin, end))
            }
        }
        for run in runs.suffix(Decimation.limit) {
            guard let begin = x.position(run.from), let end = x.position(run.to) else { continue }
            // An interval that is still running ends where the axis does.
            let (left, right) = (max(begin, strip.left), min(end, strip.right))
            guard left < right else { continue }
            drawing.rect(
                Frame(left: left, top: strip.top, right: right, bottom: strip.bottom),
                fill: color(run.category, of: categories.count))
            let text = XML.name(Format.value(categories[run.category]))
            let room = right - left - 6
            guard TextWidth.of(text, size: 10, isBold: true) <= room || room > 70 else { continue }
            drawing.text(
                TextWidth.fitted(text, to: room, size: 10, isBold: true),
                at: Point(x: (left + right) / 2, y: strip.top + 12), anchor: .middle, size: 10,
                fill: palette.background, isBold: true)
        }
        if categories.count <= palette.families.count, scene.options.axis == .training {
            drawShares(categories.count, on: &drawing)
        }
    }

    private func drawShares(_ count: Int, on drawing: inout Drawing) {
        var counts: [Int: [Int]] = [:]
        let columns = scene.history.columns
        for place in columns.states.indices where columns.states[place].isFinished {
            guard let category = varying.category(at: place) else { continue }
            counts[columns.depths[place], default: [Int](repeating: 0, count: count)][category] += 1
        }
        let top = plot.top + 17
        let height = plot.bottom - top
        guard height > 6 else { return }
        let limit = Decimation.limit / 4
        var steps = counts.sorted { $0.key < $1.key }
        if steps.count > limit { steps = (0..<limit).map { steps[$0 * (steps.count - 1) / (limit - 1)] } }
        var floors = [Double](repeating: 0, count: steps.count)
        for category in 0..<count {
            var upper: [Point] = []
            var lower: [Point] = []
            for (place, step) in steps.enumerated() {
                let total = Double(step.value.reduce(0, +))
                let ceiling = floors[place] + Double(step.value[category]) / total
                // A step holds until the next one that is drawn.
                let from = place == 0 ? step.key - 1 : steps[place - 1].key
                guard let left = x.position(Double(from)), let right = x.position(Double(step.key)) else { continue }
                upper += [Point(x: left, y: top + ceiling * height), Point(x: right, y: top + ceiling * height)]
                lower += [
                    Point(x: left, y: top + floors[place] * height), Point(x: right, y: top + floors[place] * height),
                ]
                floors[place] = ceiling
            }
            guard zip(upper, lower).contains(where: { $0.y > $1.y }) else { continue }
            var data = PathData()
            data.line(through: upper + lower.reversed())
            data.close()
            drawing.area(data, fill: color(category, of: count), opacity: "0.45")
        }
    }
}
