// SPDX-License-Identifier: Apache-2.0

import PBT

extension CurvesLayer {
    /// Where things are.
    struct Canvas {
        let layer: CurvesLayer
        let plot: Frame
        let x: Scale
        let y: Scale

        private var scene: Scene { layer.scene }

        private func point(depth: Int, _ score: Double) -> Point? {
            guard let value = layer.plotted(score), let px = x.position(Double(depth)), let py = y.position(value)
            else { return nil }
            return Point(x: px, y: min(max(py, -1e6), 1e6))
        }

        private func point(_ interval: Interval) -> Point? {
            interval.finiteScore.flatMap { point(depth: interval.depth, $0) }
        }

        private func isInside(_ point: Point) -> Bool {
            point.y >= plot.top - 0.5 && point.y <= plot.bottom + 0.5
        }

        /// The parts of a line that lie within the plot; a missing point breaks it.
        func clipped(_ points: [Point?]) -> [[Point]] {
            var lines: [[Point]] = []
            var current: [Point] = []
            func cut(_ a: Point, _ b: Point) -> Point {
                let edge = a.y < plot.top || b.y < plot.top ? plot.top : plot.bottom
                let share = b.y == a.y ? 0 : (edge - a.y) / (b.y - a.y)
                return Point(x: a.x + min(max(share, 0), 1) * (b.x - a.x), y: edge)
            }
            var last: Point?
            for point in points {
                guard let point else {
                    lines.append(current)
                    (current, last) = ([], nil)
                    continue
                }
                if let last, isInside(last) != isInside(point) { current.append(cut(last, point)) }
                if isInside(point) {
                    current.append(point)
                } else {
                    lines.append(current)
                    current = []
                }
                last = point
            }
            lines.append(current)
            return lines.filter { !$0.isEmpty }
        }

        /// A piece's curve, which starts where the piece it continues ends.
        private func curve(of piece: Piece) -> [Point?] {
            let intervals = scene.intervals
            var points = intervals[piece.places].map { point($0) }
            if let parent = piece.places.first.flatMap({ scene.parents[$0] }) {
                points.insert(point(intervals[parent]), at: 0)
            }
            // What waits or runs has no point yet, and is no gap either.
            while points.last == .some(nil) { points.removeLast() }
            return points
        }

        func drawBaseline(on drawing: inout Drawing) {
            guard let baseline = scene.baseline, let columns = scene.baselineColumns else { return }
            let color = scene.palette.baseline
            if columns.members <= Scene.fewBaselineMembers {
                var lines: [[Point]] = []
                var start = 0
                for place in baseline.indices
                where place + 1 == baseline.count || baseline[place + 1].id.member != baseline[place].id.member {
                    lines += clipped(baseline[start...place].map { point($0) })
                    start = place + 1
                }
                drawing.lines(lines, stroke: color, opacity: "0.55", dash: "4 3")
            } else {
                drawBand(columns, fill: color, opacity: "0.1", median: color, dash: "4 3", on: &drawing)
            }
        }

        func drawPopulation(on drawing: inout Drawing) {
            let palette = scene.palette
            guard scene.drawsEachMember else {
                drawBand(
                    scene.history.columns, fill: palette.extinct, opacity: palette.band, median: palette.trunk,
                    dash: nil, on: &drawing)
                drawEnded(on: &drawing)
                return
            }
            drawDrops(on: &drawing)
            let groups = Dictionary(grouping: scene.history.pieces) { scene.color(of: $0) }
            for color in [palette.extinct, palette.trunk] + palette.families {
                guard let pieces = groups[color] else { continue }
                let isExtinct = color == palette.extinct
                let curves = pieces.map { (id: $0.id, lines: clipped(curve(of: $0))) }
                scene.drawPieces(
                    curves, stroke: color, width: isExtinct ? 1 : 1.5, opacity: isExtinct ? "0.8" : nil, on: &drawing)
                var dots = PathData()
                // On a page a point that stands alone is its piece's element.
                let gathered = palette.isPage ? curves.filter { !scene.isAlone[$0.id] } : curves
                for curve in gathered.flatMap(\.lines) where curve.count == 1 && dots.points < Decimation.limit - 3 {
                    dots.circle(at: curve[0], radius: 2)
                }
                drawing.area(dots, fill: color)
            }
            drawRings(on: &drawing)
            drawEnded(on: &drawing)
        }

        private func drawBand(
            _ columns: Columns, fill: String, opacity: String, median: String, dash: String?, on drawing: inout Drawing
        ) {
            var values: [[Double]] = Array(repeating: [], count: scene.trained + 1)
            for (depth, score) in zip(columns.depths, columns.scores) where values.indices.contains(depth) {
                if let value = layer.plotted(score) { values[depth].append(value) }
            }
            let steps = Band(values).steps
            func side(_ value: (Band.Step) -> Double) -> [Point] {
                steps.compactMap { step in
                    guard let px = x.position(step.at), let py = y.position(value(step)) else { return nil }
                    return Point(x: px, y: py)
                }
            }
            guard steps.count > 1 else { return }
            var data = PathData()
            data.line(
                through: (side { $0.high } + side { $0.low }.reversed())
                    .map { Point(x: $0.x, y: min(max($0.y, plot.top), plot.bottom)) })
            data.close()
            drawing.area(data, fill: fill, opacity: opacity)
            drawing.lines(clipped(side { $0.median }), stroke: median, width: 1.5, dash: dash)
        }

        /// The copies worth marking: all while there are few, then those that lived on, then those of the lineage.
        private var markedCopies: [Int] {
            let intervals = scene.intervals
            let copies = intervals.indices.filter {
                intervals[$0].isExploit && scene.parents[$0] != nil
            }
            if copies.count <= 60 { return copies }
            let living = copies.filter { scene.history.families.survives[$0] }
            return living.count <= 60 ? living : []
        }

        /// From where a member stood to where it went on: a copy, not learning.
        private func drawDrops(on drawing: inout Drawing) {
            var drops: [[Point]] = []
            for place in markedCopies {
                guard place > 0, scene.intervals[place - 1].id.member == scene.intervals[place].id.member,
                    let from = point(scene.intervals[place - 1]),
                    let to = scene.parents[place].flatMap({ point(scene.intervals[$0]) }),
                    isInside(to)
                else { continue }
                let loser = Point(x: from.x, y: min(max(from.y, plot.top), plot.bottom))
                let (top, lower) = loser.y < to.y ? (loser, to) : (to, loser)
                var upper = top
                // Dots of drops at the same place fall on each other, so that many of them do not make a line.
                upper.y = (upper.y / 4).rounded(.up) * 4
                if lower.y > upper.y { drops.append([upper, lower]) }
            }
            drawing.lines(drops, stroke: scene.palette.axis, dash: "1 3")
        }

        private func drawRings(on drawing: inout Drawing) {
            var rings = PathData()
            for place in markedCopies {
                guard let parent = scene.parents[place], let center = point(scene.intervals[parent]),
                    isInside(center), rings.points < Decimation.limit - 3
                else { continue }
                rings.circle(at: center, radius: 2.2)
            }
            drawing.area(rings, fill: scene.palette.background, stroke: scene.palette.trunk)
        }

        /// A cross where a member's training came to nothing.
        private func drawEnded(on drawing: inout Drawing) {
            var crosses = PathData()
            for place in scene.intervals.indices {
                let interval = scene.intervals[place]
                guard interval.state == .diverged || interval.state == .failed,
                    crosses.points < Decimation.limit - 4, let px = x.position(Double(interval.depth))
                else { continue }
                let last = scene.parents[place].flatMap { point(scene.intervals[$0]) }
                crosses.cross(at: Point(x: px, y: min(max(last?.y ?? plot.bottom, plot.top), plot.bottom)), reach: 3)
            }
            drawing.path(crosses, stroke: scene.palette.ink, width: 1.5, opacity: "0.7")
        }

        func drawBestSoFar(on drawing: inout Drawing) {
            // A point at every step, so that it lies on the curve of the member that leads as long as one leads.
            func line(_ improvements: [Improvement]) -> [[Point]] {
                var points: [Point?] = []
                for (place, improvement) in improvements.enumerated() {
                    let next = place + 1 < improvements.count ? improvements[place + 1].at : scene.trained + 1
                    for depth in improvement.at..<max(next, improvement.at + 1) {
                        points.append(point(depth: depth, improvement.score))
                    }
                }
                return clipped(points)
            }
            if scene.baseline != nil {
                drawing.lines(
                    line(scene.history.baselineBestSoFar(by: .depth)), stroke: scene.palette.baseline, width: 2,
                    dash: "5 3")
            }
            drawing.lines(line(scene.history.bestSoFar(by: .depth)), stroke: scene.palette.best)
        }

        func drawPath(on drawing: inout Drawing) {
            let intervals = scene.intervals
            drawing.lines(
                clipped(scene.path.map { point(intervals[$0]) }), stroke: scene.pathColor, width: 3, isTip: true)
            for (parent, child) in zip(scene.path, scene.path.dropFirst()).suffix(200) where intervals[child].isExploit
            {
                guard let center = point(intervals[parent]), isInside(center) else { continue }
                drawing.circle(center, radius: 3, fill: scene.palette.background, stroke: scene.pathColor)
            }
            if let best = scene.history.best.flatMap({ point($0) }), isInside(best) {
                drawing.star(best, radius: scene.isNarrow ? 7 : 8, fill: scene.palette.best)
            }
        }

        func drawEnds(_ labels: [(score: Double, text: String, color: String)], on drawing: inout Drawing) {
            var taken: [Double] = []
            let left = min(x.position(Double(scene.trained)) ?? plot.right, plot.right) + 11
            for label in labels {
                guard let place = layer.plotted(label.score).flatMap({ y.position($0) }) else { continue }
                var py = min(max(place, plot.top), plot.bottom) + 4
                // The second label makes room for the first, on the side where it belongs.
                if let other = taken.first, (py - other).magnitude < 13 {
                    py = py >= other ? other + 13 : other - 13
                }
                taken.append(py)
                drawing.text(label.text, at: Point(x: left, y: py), fill: label.color, isBold: true)
            }
        }
    }
}
