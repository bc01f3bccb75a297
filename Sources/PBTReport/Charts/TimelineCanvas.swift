// SPDX-License-Identifier: Apache-2.0

import PBT

/// The bars of a timeline.
struct TimelineCanvas {
    let layer: TimelineLayer
    let x: Scale
    /// The height of a bar.
    let thickness: Double

    private var scene: Scene { layer.scene }
    private var palette: Palette { scene.palette }

    private func frame(_ bar: TimelineLayer.Bar, _ middle: Double) -> Frame {
        // A gap of the background between neighbors, where there is space.
        let gap = bar.right - bar.left > 4 ? 1.0 : 0
        // The random search differs by more than its color.
        let half = bar.sort == .baseline ? thickness / 5 : thickness / 2
        return Frame(
            left: bar.left, top: middle - half, right: max(bar.right - gap, bar.left + 0.6), bottom: middle + half)
    }

    /// Draws the presence of a worker; the part that stays visible is idle time.
    func drawGround(_ worker: WorkerTimes.Worker, at middle: Double, on drawing: inout Drawing) {
        guard let start = worker.stretches.first?.start, let left = x.position(start),
            let right = x.position(start + worker.presence)
        else { return }
        drawing.rect(
            Frame(left: left, top: middle - thickness / 2, right: right, bottom: middle + thickness / 2),
            fill: palette.grid)
    }

    func draw(_ rows: [[TimelineLayer.Bar]], at middles: [Double], on drawing: inout Drawing) {
        var groups: [TimelineLayer.Sort: [(frame: Frame, piece: Int?)]] = [:]
        var rings = PathData()
        for (bars, middle) in zip(rows, middles) {
            for bar in bars {
                groups[bar.sort, default: []].append((frame(bar, middle), bar.piece))
                if bar.isCopy, bar.right - bar.left > 5, rings.points < Decimation.limit - 3 {
                    rings.circle(at: Point(x: bar.left, y: middle), radius: 2.5)
                }
            }
        }
        for (sort, bars) in groups.sorted(by: { $0.key < $1.key }) { draw(bars, sort, on: &drawing) }
        drawing.area(rings, fill: palette.background, stroke: palette.trunk)
    }

    private func draw(
        _ bars: [(frame: Frame, piece: Int?)], _ sort: TimelineLayer.Sort, on drawing: inout Drawing
    ) {
        let isHollow = sort == .running || sort == .failed
        let fill: String
        switch sort {
        case .baseline: fill = palette.baseline
        case .tone(let place): fill = scene.coloring.tones[place].color
        case .path: fill = scene.pathColor
        case .running, .failed: fill = palette.background
        }
        var gathered = PathData()
        for (frame, piece) in bars {
            if palette.isPage, let piece, !isHollow {
                drawing.rect(frame, fill: fill, piece: piece)
                continue
            }
            if gathered.points > Decimation.limit - 4 {
                drawing.area(gathered, fill: fill, stroke: isHollow ? palette.ink : nil)
                gathered = PathData()
            }
            gathered.box(frame)
        }
        drawing.area(gathered, fill: fill, stroke: isHollow ? palette.ink : nil)
        guard sort == .failed else { return }
        var crosses = PathData()
        for (frame, _) in bars {
            if crosses.points > Decimation.limit - 4 {
                drawing.path(crosses, stroke: palette.ink, width: 1.5)
                crosses = PathData()
            }
            crosses.cross(
                at: Point(x: (frame.left + frame.right) / 2, y: (frame.top + frame.bottom) / 2), reach: 3)
        }
        drawing.path(crosses, stroke: palette.ink, width: 1.5)
    }

    /// Draws the best score at the end of its interval.
    func drawStar(at middles: [Double], on drawing: inout Drawing) {
        guard let best = scene.history.best, let place = scene.history.genealogy.place(of: best.id) else { return }
        for (worker, middle) in zip(layer.rows, middles) {
            guard let stretch = worker.stretches.first(where: { !$0.isBaseline && $0.place == place }),
                let end = x.position(stretch.end)
            else { continue }
            drawing.star(Point(x: end, y: middle), radius: 7, fill: palette.best)
        }
    }
}
