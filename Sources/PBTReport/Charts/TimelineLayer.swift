// SPDX-License-Identifier: Apache-2.0

import PBT

/// The worker timeline: a row for each worker, a bar for each interval.
struct TimelineLayer {
    let scene: Scene
    let times: WorkerTimes
    /// The workers with a row: the busiest, by name.
    let rows: [WorkerTimes.Worker]

    /// The maximum number of rows.
    static let mostRows = 30
    /// The maximum number of bars; on a page each may be an element of its own.
    private var mostBars: Int { scene.palette.isPage ? 1200 : 2400 }

    init(_ scene: Scene) {
        self.scene = scene
        times = WorkerTimes(scene.history, showsBaseline: scene.options.showsBaseline)
        rows = times.workers.prefix(Self.mostRows).sorted { $0.name < $1.name }
    }

    private var rowHeight: Double {
        rows.count <= 8 ? 24 : 17
    }

    var height: Double {
        86 + max(rowHeight * Double(rows.count), 60) + Scene.axisHeight + (scene.isNarrow ? 30 : 0)
    }

    private func percent(_ share: Double) -> String {
        // Rounded down: 100 % only when nothing is missing.
        "\(Int(saturating: (share * 100 + 1e-9).rounded(.down))) %"
    }

    var title: String {
        guard !rows.isEmpty else { return "\(scene.name): workers" }
        return "\(scene.name): \(scene.count(times.workers.count, "worker", "workers")) busy \(percent(times.busy))"
    }

    var sentence: String {
        guard let least = times.workers.min(by: { ($0.share, $0.name) < ($1.share, $1.name) }) else {
            return "\(scene.name): \(message)"
        }
        let bars = times.workers.reduce(0) { $0 + $1.stretches.count }
        let failures = scene.intervals.indices.reduce(0) { $0 + scene.intervals[$1].failures }
        let all = scene.count(times.workers.count, "worker", "workers")
        return "In \(scene.name), \(all) trained \(scene.count(bars, "interval", "intervals")) in "
            + "\(Format.duration(.milliseconds(Int64(saturating: times.duration)))), busy \(percent(times.busy)) of the time from their "
            + "first start to their last end"
            + (times.workers.count > 1
                ? "; the least busy one is \(XML.name(least.name)) with \(percent(least.share))" : "") + ". "
            + (failures == 0 ? "No attempt failed." : "\(scene.count(failures, "attempt", "attempts")) failed.")
    }

    private var message: String {
        times.unknown > 0
            ? "No interval has a recorded worker and time." : "No interval has started yet."
    }

    /// Stretches that are drawn as one bar.
    struct Bar {
        var left: Double
        var right: Double
        var sort: Sort
        /// The piece of a bar that is a single interval.
        var piece: Int?
        var isMerged = false
        var isCopy = false
    }

    /// The appearance of a bar; merged bars have the greatest.
    enum Sort: Hashable, Comparable {
        case baseline
        case tone(Int)
        case running
        case path
        case failed
    }

    private func sort(_ stretch: WorkerTimes.Stretch, _ path: Set<Int>) -> Sort {
        if stretch.state == .failed || stretch.state == .diverged { return .failed }
        if stretch.isBaseline { return .baseline }
        if stretch.state == .running { return .running }
        if path.contains(stretch.place) { return .path }
        return .tone(scene.coloring.toneOfPiece[scene.history.pieceOfPlace[stretch.place]])
    }

    /// Returns the bars of each row; those too short to be distinguishable are merged.
    func bars(_ x: Scale) -> (rows: [[Bar]], isMerged: Bool) {
        let path = Set(scene.path)
        let all = rows.map { worker in
            worker.stretches.map { stretch in
                Bar(
                    left: x.position(stretch.start) ?? x.start, right: x.position(stretch.end) ?? x.start,
                    sort: sort(stretch, path),
                    piece: stretch.isBaseline ? nil : scene.history.pieceOfPlace[stretch.place],
                    isCopy: !stretch.isBaseline && scene.history.columns.isExploit[stretch.place])
            }
        }
        var reach = 0.5
        while true {
            let merged = all.map { Self.merged($0, reach) }
            if merged.reduce(0, { $0 + $1.count }) <= mostBars {
                return (merged, merged.joined().contains { $0.isMerged })
            }
            reach *= 2
        }
    }

    /// Merges neighbors that are closer than a given distance: short ones of any sort while they stay short together,
    /// and those of the same sort.
    private static func merged(_ bars: [Bar], _ reach: Double) -> [Bar] {
        var result: [Bar] = []
        for bar in bars {
            guard let last = result.last, bar.left - last.right < reach,
                max(last.right, bar.right) - last.left < 3 * reach
                    || (last.sort == bar.sort && min(last.right - last.left, bar.right - bar.left) < 3 * reach)
            else {
                result.append(bar)
                continue
            }
            result[result.count - 1].right = max(last.right, bar.right)
            result[result.count - 1].sort = max(last.sort, bar.sort)
            result[result.count - 1].isMerged = true
            result[result.count - 1].piece = nil
            result[result.count - 1].isCopy = false
        }
        return result
    }

    private func legend(isMerged: Bool) -> Legend {
        let palette = scene.palette
        var legend = Legend()
        if scene.tip != nil {
            if scene.isBest { legend.add(.star(palette.best), "Best") }
            legend.add(
                .band(scene.pathColor, opacity: "1"),
                scene.isBest ? "Lineage of the best" : "Lineage of \(scene.tip.map { "\($0.id)" } ?? "")")
        }
        for (mark, text) in scene.coloring.key { legend.add(mark, text) }
        if scene.coloring.isFamily, scene.history.copies > 0 {
            legend.add(.band(palette.trunk, opacity: "1"), "Surviving lineage")
            legend.add(.band(palette.extinct, opacity: "1"), "Extinct lineage")
        }
        if times.workers.contains(where: { $0.stretches.contains { $0.isBaseline } }) {
            legend.add(.line(palette.baseline, width: 4, dash: nil), scene.history.baselineTitle)
        }
        legend.add(.band(palette.grid, opacity: "1"), "Idle")
        let states = Set(times.workers.flatMap { $0.stretches.map(\.state) })
        if states.contains(.running) { legend.add(.box(palette.ink), "Training") }
        if !states.isDisjoint(with: [.failed, .diverged]) { legend.add(.cross(palette.ink), "Diverged or failed") }
        if scene.history.copies > 0 { legend.add(.ring(palette.trunk), "Copy") }
        if isMerged { legend.add(.none, "Short intervals are merged") }
        if times.workers.count > rows.count {
            legend.add(.none, "Showing the busiest \(rows.count) of \(times.workers.count) workers")
        }
        if times.unknown > 0 {
            let intervals = scene.count(times.unknown, "interval has", "intervals have")
            legend.add(.none, "\(intervals) no recorded worker or time")
        }
        return legend
    }

    func draw(in frame: Frame, on drawing: inout Drawing) {
        let top = scene.drawTitle(title, in: frame, on: &drawing)
        guard !rows.isEmpty else {
            scene.drawMessage(message, in: frame, on: &drawing)
            return
        }
        let most = frame.width * (scene.isNarrow ? 0.24 : 0.2)
        let names = rows.map { TextWidth.fitted(XML.name($0.name, width: 60), to: most, size: 10) }
        let labels = names.reduce(0) { max($0, TextWidth.of($1, size: 10)) }
        let left = frame.left + scene.margin + labels + 8
        let right = frame.right - scene.margin - 40
        let x = Scale(low: 0, high: max(1, times.duration), from: left, to: right)
        let (bars, isMerged) = bars(x)
        var y =
            top
            + legend(isMerged: isMerged)
            .draw(from: frame.left + scene.margin, to: frame.right - scene.margin, top: top, on: &drawing)
        y = scene.drawCaption("Worker", in: frame, top: y + 2, on: &drawing)
        drawing.text("Busy", at: Point(x: frame.right - scene.margin, y: y - 5), anchor: .end, fill: scene.palette.ink)
        let plot = Frame(left: left, top: y + 2, right: right, bottom: frame.bottom - Scene.axisHeight)
        let step = plot.height / Double(rows.count)
        let canvas = TimelineCanvas(layer: self, x: x, thickness: min(12, step - 5))
        for (row, worker) in rows.enumerated() {
            let middle = plot.top + (Double(row) + 0.5) * step
            drawing.text(names[row], at: Point(x: plot.left - 8, y: middle + 3.5), anchor: .end, size: 10)
            drawing.text(
                percent(worker.share), at: Point(x: frame.right - scene.margin, y: middle + 4), anchor: .end,
                fill: scene.palette.ink)
            canvas.drawGround(worker, at: middle, on: &drawing)
        }
        let middles = rows.indices.map { plot.top + (Double($0) + 0.5) * step }
        canvas.draw(bars, at: middles, on: &drawing)
        canvas.drawStar(at: middles, on: &drawing)
        scene.drawColumns(
            x.timeTicks(about: Int(saturating: plot.width / 80)), x, in: plot, label: "Time since the first start",
            on: &drawing)
    }
}

extension Chart {
    /// Draws the worker timeline: a row for each worker, a bar for each interval, and the share of time from its first
    /// start to its last end in which it was busy.
    ///
    /// The random search is shown too, since the same workers train it. Of more than 30 workers the busiest are
    /// shown.
    ///
    /// - Parameters:
    ///   - history: The experiment.
    ///   - options: The options of the chart.
    /// - Returns: The chart.
    public static func timeline(of history: History, options: Options = Options()) -> Chart {
        let scene = Scene(history, options)
        let layer = TimelineLayer(scene)
        var drawing = Drawing(scene.palette)
        layer.draw(in: Frame(left: 0, top: 0, right: scene.width, bottom: layer.height), on: &drawing)
        return Chart(
            title: "Workers of \(scene.name)", summary: layer.sentence, width: scene.width, height: layer.height,
            drawing: drawing)
    }
}
