// SPDX-License-Identifier: Apache-2.0

import PBT

extension CurvesLayer {
    /// The coordinates of a plot.
    struct Canvas {
        let layer: CurvesLayer
        let plot: Frame
        let x: Scale
        let y: Scale

        private var scene: Scene { layer.scene }

        private func point(at progress: Double, _ score: Double) -> Point? {
            guard let value = layer.plotted(score), let px = x.position(progress), let py = y.position(value)
            else { return nil }
            return Point(x: px, y: min(max(py, -1e6), 1e6))
        }

        private func point(_ place: Int, of columns: Columns? = nil) -> Point? {
            let columns = columns ?? scene.history.columns
            return point(at: columns.end(place, on: scene.options.axis), columns.scores[place])
        }

        private func isInside(_ point: Point) -> Bool {
            point.y >= plot.top - 0.5 && point.y <= plot.bottom + 0.5
        }

        /// Returns the parts of a line within the plot; a missing point breaks the line.
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

        /// Returns a piece's curve, which starts where the piece that it continues ends.
        private func curve(of piece: Piece) -> [Point?] {
            var points = piece.places.map { point($0) }
            if let parent = piece.places.first.flatMap({ scene.parents[$0] }) { points.insert(point(parent), at: 0) }
            // Waiting and running intervals have no point yet, and are not a gap either.
            while points.last == .some(nil) { points.removeLast() }
            return points
        }

        func drawBaseline(on drawing: inout Drawing) {
            guard let columns = scene.baselineColumns else { return }
            let color = scene.palette.baseline
            if columns.members <= Scene.fewBaselineMembers {
                let lines = zip(columns.starts, columns.starts.dropFirst()).flatMap { start, end in
                    clipped((start..<end).map { point($0, of: columns) })
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
                if scene.topMembers != nil { drawPieces(on: &drawing) }
                drawEnded(on: &drawing)
                return
            }
            drawDrops(on: &drawing)
            drawPieces(on: &drawing)
            drawRings(on: &drawing)
            drawEnded(on: &drawing)
        }

        private func drawPieces(on drawing: inout Drawing) {
            for (tone, pieces) in scene.shownPieces(of: scene.history.pieces) {
                let curves = pieces.map { (id: $0.id, lines: clipped(curve(of: $0))) }
                scene.drawPieces(
                    curves, stroke: tone.color, width: tone.weight * (tone.isFaint ? 1 : 1.5), opacity: tone.opacity,
                    on: &drawing)
                var dots = PathData()
                // On a page, an isolated point is its piece's element.
                let gathered = scene.palette.isPage ? curves.filter { !scene.isAlone[$0.id] } : curves
                for curve in gathered.flatMap(\.lines) where curve.count == 1 && dots.points < Decimation.limit - 3 {
                    dots.circle(at: curve[0], radius: 2)
                }
                drawing.area(dots, fill: tone.color)
            }
        }

        private func drawBand(
            _ columns: Columns, fill: String, opacity: String, median: String, dash: String?, on drawing: inout Drawing
        ) {
            let values = columns.population(on: scene.options.axis).map { at, places in
                (at, places.compactMap { layer.plotted(columns.scores[$0]) })
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

        /// Returns the copies to mark: all while they are few, else the surviving ones, else those of the lineage.
        private var markedCopies: [Int] {
            let columns = scene.history.columns
            let copies = columns.ids.indices.filter {
                columns.isExploit[$0] && scene.parents[$0] != nil
                    && scene.topMembers?.contains(columns.ids[$0].member) ?? true
            }
            if copies.count <= 60 { return copies }
            let living = copies.filter { scene.history.families.survives[$0] }
            return living.count <= 60 ? living : []
        }

        /// Returns the piece that starts with a copy, where a page highlights them together.
        private func ownPiece(of place: Int) -> Int? {
            guard scene.palette.isPage else { return nil }
            let piece = scene.history.pieceOfPlace[place]
            return scene.isAlone[piece] ? piece : nil
        }

        /// Draws the jump from a member's last score to its donor's: a copy, not learning.
        private func drawDrops(on drawing: inout Drawing) {
            let columns = scene.history.columns
            var drops: [[Point]] = []
            var own: [(id: Int, data: PathData)] = []
            for place in markedCopies {
                guard place > 0, columns.ids[place - 1].member == columns.ids[place].member,
                    let from = point(place - 1), let to = scene.parents[place].flatMap({ point($0) }),
                    isInside(to)
                else { continue }
                let loser = Point(x: from.x, y: min(max(from.y, plot.top), plot.bottom))
                let (top, lower) = loser.y < to.y ? (loser, to) : (to, loser)
                var upper = top
                // Dots of jumps at the same place coincide, so that many of them do not look like a line.
                upper.y = (upper.y / 4).rounded(.up) * 4
                guard lower.y > upper.y else { continue }
                if let piece = ownPiece(of: place) {
                    var data = PathData()
                    data.line(through: [upper, lower])
                    own.append((piece, data))
                } else {
                    drops.append([upper, lower])
                }
            }
            drawing.lines(drops, stroke: scene.palette.axis, dash: "1 3")
            drawing.pieces(own, stroke: scene.palette.axis, dash: "1 3")
        }

        private func drawRings(on drawing: inout Drawing) {
            var rings = PathData()
            for place in markedCopies {
                guard let parent = scene.parents[place], let center = point(parent),
                    plot.contains(center), rings.points < Decimation.limit - 3
                else { continue }
                if let piece = ownPiece(of: place) {
                    drawing.circle(
                        center, radius: 2.2, fill: scene.palette.background, stroke: scene.palette.trunk, piece: piece)
                } else {
                    rings.circle(at: center, radius: 2.2)
                }
            }
            drawing.area(rings, fill: scene.palette.background, stroke: scene.palette.trunk)
        }

        /// Draws a cross where an interval diverged or failed.
        private func drawEnded(on drawing: inout Drawing) {
            var crosses = PathData()
            let columns = scene.history.columns
            guard columns.hasLosses else { return }
            for place in columns.states.indices where columns.isLost(place) {
                guard crosses.points < Decimation.limit - 4,
                    let px = x.position(columns.end(place, on: scene.options.axis))
                else { continue }
                let last = scene.parents[place].flatMap { point($0) }
                crosses.cross(at: Point(x: px, y: min(max(last?.y ?? plot.bottom, plot.top), plot.bottom)), reach: 3)
            }
            drawing.path(crosses, stroke: scene.palette.ink, width: 1.5, opacity: "0.7")
        }

        func drawBestSoFar(on drawing: inout Drawing) {
            if let baseline = scene.baselineColumns, let genealogy = scene.history.baseline {
                let improvements = scene.history.baselineBestSoFar(by: progress)
                drawing.lines(
                    line(improvements, genealogy, baseline), stroke: scene.palette.baseline, width: 2, dash: "5 3")
            }
            let improvements = scene.history.bestSoFar(by: progress)
            drawing.lines(
                line(improvements, scene.history.genealogy, scene.history.columns), stroke: scene.palette.best)
        }

        private var progress: History.Progress {
            scene.options.axis == .training ? .depth : .finished
        }

        /// Returns the best score so far as a step function.
        private func line(_ improvements: [Improvement], _ genealogy: Genealogy, _ columns: Columns) -> [[Point]] {
            var points: [Point?] = []
            guard scene.options.axis == .training else {
                for improvement in improvements {
                    guard let place = genealogy.place(of: improvement.interval), !columns.finished[place].isNaN,
                        let new = point(place, of: columns)
                    else { continue }
                    if case let last?? = points.last { points.append(Point(x: new.x, y: last.y)) }
                    points.append(new)
                }
                if case let last?? = points.last, let end = x.position(columns.duration) {
                    points.append(Point(x: end, y: last.y))
                }
                return clipped(points)
            }
            // A point at every step, so that the line follows the curve of the leading member.
            for (place, improvement) in improvements.enumerated() {
                let next = place + 1 < improvements.count ? improvements[place + 1].at : scene.trained + 1
                let end = max(next, improvement.at + 1)
                // Of very long training, a sample is enough; it includes the last point.
                let step = max(1, (end - improvement.at) / 1000)
                for depth in stride(from: improvement.at, to: end - 1, by: step) {
                    points.append(point(at: Double(depth), improvement.score))
                }
                points.append(point(at: Double(end - 1), improvement.score))
            }
            return clipped(points)
        }

        func drawPath(on drawing: inout Drawing) {
            drawing.lines(
                clipped(scene.path.map { point($0) }), stroke: scene.pathColor, width: 3, isTip: true)
            let isExploit = scene.history.columns.isExploit
            for (parent, child) in zip(scene.path, scene.path.dropFirst()).suffix(200) where isExploit[child] {
                guard let center = point(parent), plot.contains(center) else { continue }
                drawing.circle(center, radius: 3, fill: scene.palette.background, stroke: scene.pathColor)
            }
            if let best = scene.history.best.flatMap({ scene.history.genealogy.place(of: $0.id) }).flatMap({ point($0) }
            ),
                plot.contains(best)
            {
                drawing.star(best, radius: scene.isNarrow ? 7 : 8, fill: scene.palette.best)
            }
        }

        func drawEnds(_ labels: [(score: Double, text: String, color: String)], on drawing: inout Drawing) {
            var taken: [Double] = []
            let left = min(x.position(scene.reached) ?? plot.right, plot.right) + 11
            for label in labels {
                guard let place = layer.plotted(label.score).flatMap({ y.position($0) }) else { continue }
                var py = min(max(place, plot.top), plot.bottom) + 4
                // The second label makes room for the first, on its own side.
                if let other = taken.first, (py - other).magnitude < 13 {
                    py = py >= other ? other + 13 : other - 13
                }
                taken.append(py)
                drawing.text(label.text, at: Point(x: left, y: py), fill: label.color, isBold: true)
            }
        }
    }
}
