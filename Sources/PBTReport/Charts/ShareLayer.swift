// SPDX-License-Identifier: Apache-2.0

import PBT

/// The share of the population that descends from each founder, as stacked areas.
struct ShareLayer {
    let scene: Scene
    let share: FounderShare
    /// The number of founders with a name; the rest are one gray area.
    private let named: Int

    init(_ scene: Scene) {
        self.scene = scene
        share = FounderShare(scene.history)
        named = min(share.founders.ranked.count, scene.palette.families.count)
    }

    var height: Double {
        Chart.height(of: scene.options.width, 230, 270, 320)
    }

    private var founders: Int { scene.history.families.founders }

    var title: String {
        guard message == nil else { return "\(scene.name): founders" }
        return
            "\(scene.name): effective number of founders \(Format.fixed(share.effective, decimals: 1)) of \(founders)"
    }

    var sentence: String {
        if let message { return "\(scene.name): \(message)" }
        let left = scene.history.families.foundersLeft
        let total = share.founders.today.values.reduce(0, +)
        let shares = share.founders.ranked.prefix(3).compactMap { piece -> String? in
            guard let today = share.founders.today[piece] else { return nil }
            return "\(today) of \(scene.count(total, "member", "members")) from founder "
                + scene.history.pieces[piece].founderName
        }
        return
            "In \(scene.name), of \(scene.count(founders, "founder", "founders")), \(left) \(left == 1 ? "has" : "have") descendants "
            + "today\(shares.isEmpty ? "" : ": \(shares.joined(separator: ", "))"). The effective number of founders, the "
            + "number of equal shares that would be as diverse, is \(Format.fixed(share.effective, decimals: 1))."
    }

    /// The reason why the chart is empty; none when it is not.
    private var message: String? {
        if share.steps.isEmpty { return "No interval has finished with a score yet." }
        if scene.members == 1 { return "There is one member, so there is nothing to share." }
        if scene.history.copies == 0 {
            return "No member has been replaced yet, so each of the \(founders) founders has its own share."
        }
        return nil
    }

    /// An area: the descendants of a founder.
    private struct Area: Hashable {
        /// The founder's rank; for all others together, the number of founders with a name.
        var founder: Int
        /// The layer, from the bottom: a family, other founders with current descendants, founders without.
        var fate: Int
    }

    private func color(_ area: Area) -> String {
        let palette = scene.palette
        if scene.options.color == .founder {
            return area.founder < named ? palette.families[area.founder] : palette.extinct
        }
        switch area.fate {
        case ..<Families.limit: return palette.families[area.fate]
        case Families.limit: return palette.trunk
        default: return palette.extinct
        }
    }

    private func areas() -> (areas: [Area], counts: [[Area: Int]]) {
        let history = scene.history
        var ranks: [Int: Int] = [:]
        for (rank, piece) in share.founders.ranked.enumerated() { ranks[piece] = min(rank, named) }
        let byFounder = scene.options.color == .founder
        let counts = share.steps.map { step in
            step.places.reduce(into: [Area: Int]()) { counts, place in
                let founder = ranks[share.founders.ofPiece[history.pieceOfPlace[place]]] ?? named
                let isLeft = share.founders.today[share.founders.ofPiece[history.pieceOfPlace[place]]] != nil
                let fate = history.families.family[place] ?? (isLeft ? Families.limit : Families.limit + 1)
                counts[Area(founder: founder, fate: byFounder ? 0 : fate), default: 0] += 1
            }
        }
        let areas = Set(counts.flatMap(\.keys)).sorted { ($0.founder, $0.fate) < ($1.founder, $1.fate) }
        return (areas, counts)
    }

    private var legend: Legend {
        let palette = scene.palette
        var legend = Legend()
        if scene.options.color == .founder {
            for rank in 0..<named {
                let piece = scene.history.pieces[share.founders.ranked[rank]]
                legend.add(.dots([palette.families[rank]]), "Founder \(piece.founderName)")
            }
            if founders > named { legend.add(.dots([palette.extinct]), "\(founders - named) others") }
            return legend
        }
        let families = scene.history.families
        if let depth = families.depth, families.ancestors.count > 1 {
            legend.add(
                .dots(Array(palette.families.prefix(families.ancestors.count))), "Families since interval \(depth)")
        }
        legend.add(.dots([palette.trunk]), "Founder with descendants today")
        legend.add(.dots([palette.extinct]), "Founder, extinct lineage")
        return legend
    }

    func draw(in frame: Frame, on drawing: inout Drawing) {
        var top = scene.drawTitle(title, in: frame, on: &drawing)
        if let message {
            scene.drawMessage(message, in: frame, on: &drawing)
            return
        }
        top += legend.draw(from: frame.left + scene.margin, to: frame.right - scene.margin, top: top, on: &drawing)
        top = scene.drawCaption("Share of the members", in: frame, top: top + 2, on: &drawing)
        let rows = [0.0, 0.25, 0.5, 0.75, 1].map {
            Scale.Tick(value: $0, label: "\(Format.fixed($0 * 100, decimals: 0)) %")
        }
        let plot = Frame(
            left: frame.left + scene.margin + scene.labelWidth(rows) + 5, top: top + 6,
            right: frame.right - scene.margin - 6, bottom: frame.bottom - Scene.axisHeight)
        let y = Scale(low: 0, high: 1, from: plot.bottom, to: plot.top)
        let last = share.steps.last?.index ?? 0
        let x = Scale(low: 0, high: Double(max(1, last + 1, scene.planned)), from: plot.left, to: plot.right)
        scene.drawRows(rows, y, in: plot, on: &drawing)
        let (areas, counts) = areas()
        drawAreas(areas, counts, x, y, on: &drawing)
        scene.drawColumns(
            x.wholeTicks(about: Int(saturating: plot.width / 60)), x, in: plot, label: "Interval of the member",
            on: &drawing)
    }

    /// Returns the edges of an area, step by step.
    private struct Edges {
        var low: [Double] = []
        var high: [Double] = []
    }

    private func drawAreas(
        _ areas: [Area], _ counts: [[Area: Int]], _ x: Scale, _ y: Scale, on drawing: inout Drawing
    ) {
        var floors = [Double](repeating: 0, count: counts.count)
        let totals = counts.map { Double($0.values.reduce(0, +)) }
        var edges: [Area: Edges] = [:]
        for area in areas {
            var both = Edges()
            for step in counts.indices {
                both.low.append(floors[step])
                floors[step] += Double(counts[step][area] ?? 0) / totals[step]
                both.high.append(floors[step])
            }
            edges[area] = both
        }
        // A population is valid from the end of its interval until the next one has finished.
        let ends = share.steps.map { x.position(Double($0.index + 1)) ?? x.start }
        func line(_ values: [Double]) -> [Point] {
            [Point(x: x.start, y: y.position(values[0]) ?? y.start)]
                + zip(ends, values).map { Point(x: $0, y: y.position($1) ?? y.start) }
        }
        for area in areas {
            guard let both = edges[area] else { continue }
            var data = PathData()
            data.line(through: line(both.high) + line(both.low).reversed())
            data.close()
            drawing.area(data, fill: color(area))
        }
        // A line separates founders, whatever their colors.
        for (area, next) in zip(areas, areas.dropFirst()) where area.founder != next.founder {
            if let both = edges[next] { drawing.lines([line(both.low)], stroke: scene.palette.background) }
        }
        drawNames(areas, edges, ends, x, y, on: &drawing)
    }

    /// Returns an edge's height between its steps.
    private static func value(_ edge: [Double], _ ends: [Double], at place: Double) -> Double {
        guard let next = ends.firstIndex(where: { $0 >= place }) else { return edge.last ?? 0 }
        guard next > 0 else { return edge[0] }
        let (left, right) = (ends[next - 1], ends[next])
        return edge[next - 1] + (edge[next] - edge[next - 1]) * (place - left) / max(right - left, 1e-9)
    }

    /// Draws founders' names, where their areas are large enough.
    private func drawNames(
        _ areas: [Area], _ edges: [Area: Edges], _ ends: [Double], _ x: Scale, _ y: Scale, on drawing: inout Drawing
    ) {
        let total = Double(share.founders.today.values.reduce(0, +))
        for founder in 0..<named {
            let piece = share.founders.ranked[founder]
            let today = Double(share.founders.today[piece] ?? 0) / max(1, total)
            let text =
                "founder \(scene.history.pieces[piece].founderName)"
                + (today > 0 ? ": \(Format.fixed(today * 100, decimals: 0)) %" : "")
            let half = TextWidth.of(text, size: Drawing.textSize, isBold: true) / 2 + 4
            guard let last = ends.last, x.start + half <= last - half else { continue }
            var best: (room: Double, point: Point, area: Area)?
            for area in areas where area.founder == founder {
                guard let both = edges[area] else { continue }
                for place in 0...40 {
                    let middle = x.start + half + (last - x.start - 2 * half) * Double(place) / 40
                    // The edges at both ends of the text, and at each step between.
                    let window =
                        [middle - half, middle + half] + ends.filter { ($0 - middle).magnitude < half }
                    let low = window.map { Self.value(both.low, ends, at: $0) }.max() ?? 1
                    let high = window.map { Self.value(both.high, ends, at: $0) }.min() ?? 0
                    guard let bottom = y.position(low), let top = y.position(high), bottom - top > 15 else { continue }
                    if bottom - top > (best?.room ?? 0) + 2 {
                        best = (bottom - top, Point(x: middle, y: (bottom + top) / 2 + 4), area)
                    }
                }
            }
            guard let best else { continue }
            let isPale = color(best.area) == scene.palette.extinct
            drawing.text(
                text, at: best.point, anchor: .middle,
                fill: isPale ? scene.palette.ink : scene.palette.background, isBold: true)
        }
    }
}

extension Chart {
    /// Draws the share of the population that descends from each founder over the course of training, with the
    /// effective number of founders: the exponential of the entropy of the shares (Hill's number of order 1).
    ///
    /// - Parameters:
    ///   - history: The experiment.
    ///   - options: The options of the chart; of the colors, it supports family and founder.
    /// - Returns: The chart.
    public static func share(of history: History, options: Options = Options()) -> Chart {
        let scene = Scene(history, options)
        let layer = ShareLayer(scene)
        var drawing = Drawing(scene.palette)
        layer.draw(in: Frame(left: 0, top: 0, right: scene.width, bottom: layer.height), on: &drawing)
        return Chart(
            title: "Founder share of \(scene.name)", summary: layer.sentence, width: scene.width, height: layer.height,
            drawing: drawing)
    }
}
