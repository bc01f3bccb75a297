// SPDX-License-Identifier: Apache-2.0

import PBT

/// The hyperparameters along a lineage: one panel each, above one axis of training.
struct ScheduleLayer {
    let scene: Scene
    let shown: [Varying]
    let hidden: Int

    /// The maximum number of panels.
    static let mostPanels = 8

    init(_ scene: Scene) {
        self.scene = scene
        let all = scene.history.varying
        shown = Array(all.prefix(Self.mostPanels))
        hidden = all.count - shown.count
    }

    var title: String {
        guard let tip = scene.tip else { return "Schedule" }
        return scene.isBest ? "Schedule of the best, \(tip.id)" : "Schedule of \(tip.id)"
    }

    /// The height of a strip, including the shares of the population below it if they are shown.
    private var strip: Double {
        scene.options.axis == .training ? 70 : 46
    }

    /// The total height of the panels.
    func height(_ width: Chart.Width) -> Double {
        let panel = Chart.height(of: width, 100, 112, 120)
        let strips = shown.count { $0.categories != nil }
        let panels = panel * Double(shown.count - strips) + strip * Double(strips)
        return 60 + max(panels, 80) + Scene.axisHeight
    }

    func draw(in frame: Frame, on drawing: inout Drawing) {
        var top = scene.drawTitle(title, in: frame, on: &drawing)
        guard !scene.path.isEmpty else {
            scene.drawMessage("No interval has finished yet.", in: frame, on: &drawing)
            return
        }
        guard scene.options.axis == .training || scene.path.contains(where: { !scene.end($0).isNaN }) else {
            scene.drawMessage("No interval has a recorded finish time.", in: frame, on: &drawing)
            return
        }
        guard !shown.isEmpty else {
            scene.drawMessage("All hyperparameters are constant.", in: frame, on: &drawing)
            return
        }
        top += legend.draw(
            from: frame.left + scene.margin, to: frame.right - scene.margin, top: top, on: &drawing)
        let bottom = frame.bottom - Scene.axisHeight
        let strips = shown.count { $0.categories != nil }
        let scales = shown.count - strips
        let stripHeight = min(strip, (bottom - top) / Double(shown.count))
        let panelHeight = scales == 0 ? 0 : (bottom - top - stripHeight * Double(strips)) / Double(scales)

        // All panels share the axis, so they share the widest labels.
        var y: [Scale?] = []
        var labelWidth = 0.0
        for varying in shown {
            guard varying.categories == nil else {
                y.append(nil)
                continue
            }
            let scale = scale(of: varying)
            labelWidth = max(labelWidth, scene.labelWidth(ticks(scale, panelHeight)))
            y.append(scale)
        }
        let left = frame.left + scene.margin + labelWidth + 5
        let right = frame.right - scene.margin - 6
        let x = Scale(low: 0, high: scene.extent, from: left, to: right)
        var canvases: [(canvas: ScheduleCanvas, y: Scale)] = []
        for (varying, scale) in zip(shown, y) {
            let height = scale == nil ? stripHeight : panelHeight
            let panel = Frame(left: left, top: top + 24, right: right, bottom: top + height - 6)
            let canvas = ScheduleCanvas(layer: self, varying: varying, plot: panel, x: x)
            canvas.drawCaption(from: frame.left + scene.margin, top: top, on: &drawing)
            if var scale {
                (scale.start, scale.end) = (panel.bottom, panel.top)
                scene.drawRows(ticks(scale, panelHeight), scale, in: panel, on: &drawing)
                canvas.drawGround(scale, on: &drawing)
                canvases.append((canvas, scale))
            } else {
                canvas.drawStrip(on: &drawing)
            }
            top += height
        }
        drawPopulation(canvases, on: &drawing)
        for (canvas, scale) in canvases { canvas.drawPath(scale, on: &drawing) }
        let plot = Frame(left: left, top: frame.top, right: right, bottom: bottom)
        scene.drawColumns(scene.progressTicks(x, in: plot), x, in: plot, label: scene.progressLabel, on: &drawing)
    }

    /// Draws the values of all members; those of one piece are one element across all panels.
    private func drawPopulation(_ canvases: [(canvas: ScheduleCanvas, y: Scale)], on drawing: inout Drawing) {
        guard scene.drawsEachMember else { return }
        let shown = scene.history.pieces.filter { scene.topMembers?.contains($0.member) ?? true }
        let pieces = shown.map { piece in
            (id: piece.id, lines: canvases.flatMap { $0.canvas.stairs(of: piece, $0.y) })
        }
        scene.drawPieces(pieces, stroke: scene.palette.extinct, opacity: "0.7", on: &drawing)
    }

    private func ticks(_ scale: Scale, _ height: Double) -> [Scale.Tick] {
        scale.ticks(about: max(2, Int(saturating: (height - 30) / 22)))
    }

    private var legend: Legend {
        let palette = scene.palette
        var legend = Legend()
        legend.add(.line(scene.pathColor, width: 3, dash: nil), scene.isBest ? "Lineage of the best" : "Its lineage")
        if scene.drawsEachMember {
            if scene.members > 1 { legend.add(.line(palette.extinct, width: 1, dash: nil), "Other members") }
        } else {
            legend.add(
                .band(palette.extinct, opacity: palette.band), "10th–90th percentile of \(scene.members) members")
        }
        if scene.drawsEachMember { scene.addTop(to: &legend) }
        if shown.contains(where: { $0.bounds != nil }) {
            legend.add(.line(palette.axis, width: 1, dash: "1 3"), "Bounds")
        }
        if scene.path.contains(where: { scene.intervals[$0].changes.contains { $0.operation == "resampled" } }) {
            legend.add(.none, "↻ Resampled")
        }
        let isStripShared = scene.options.axis == .training
        if isStripShared, shown.contains(where: { $0.categories.map { $0.count <= palette.families.count } ?? false }) {
            legend.add(.none, "Below each strip: shares of the population")
        }
        if hidden > 0 { legend.add(.none, "\(hidden) more hyperparameters not shown") }
        return legend
    }

    /// Returns the range of a panel: the bounds if the values use a good part of them, else that of the values.
    private func scale(of varying: Varying) -> Scale {
        var values = varying.numbers
        let used = Scale(fitting: values, isLogarithmic: varying.isLogarithmic)
        guard let bounds = varying.bounds else { return used }
        let whole = Scale(
            fitting: [bounds.lowerBound, bounds.upperBound], isLogarithmic: varying.isLogarithmic)
        if let low = whole.share(used.low), let high = whole.share(used.high), high - low > 0.25 {
            values += [bounds.lowerBound, bounds.upperBound]
            return Scale(fitting: values, isLogarithmic: varying.isLogarithmic)
        }
        return used
    }
}

extension Chart {
    /// Draws the schedule of the best interval: each varying hyperparameter along its lineage, over the population.
    ///
    /// - Parameters:
    ///   - history: The experiment.
    ///   - options: The options of the chart.
    /// - Returns: The chart.
    public static func schedule(of history: History, options: Options = Options()) -> Chart {
        let scene = Scene(history, options)
        let layer = ScheduleLayer(scene)
        let height = layer.height(options.width)
        var drawing = Drawing(scene.palette)
        layer.draw(in: Frame(left: 0, top: 0, right: scene.width, bottom: height), on: &drawing)
        return Chart(
            title: "Hyperparameter schedule of \(scene.name)", summary: layer.sentence, width: scene.width,
            height: height, drawing: drawing)
    }
}

extension ScheduleLayer {
    /// The change of each hyperparameter, as a sentence.
    var sentence: String {
        guard let founder = scene.path.first.map({ scene.intervals[$0] }), let tip = scene.tip else {
            return scene.sentence
        }
        // One that never applied has no course.
        let applying = shown.filter { varying in
            scene.path.contains { scene.intervals[$0].hyperparameters[varying.name] != nil }
        }
        let parts = applying.map { varying in
            let (from, to) = (
                XML.name(Format.value(founder.hyperparameters[varying.name])),
                XML.name(Format.value(tip.hyperparameters[varying.name]))
            )
            let name = XML.name(varying.name)
            return from == to ? "\(name) stayed \(from)" : "\(name) went from \(from) to \(to)"
        }
        let copies = scene.path.count { scene.history.columns.isExploit[$0] }
        return "Along the lineage of \(tip.id), \(scene.count(scene.path.count, "interval", "intervals")) with "
            + "\(scene.count(copies, "copy", "copies")): \(parts.isEmpty ? "nothing varied" : parts.joined(separator: "; "))."
    }
}
