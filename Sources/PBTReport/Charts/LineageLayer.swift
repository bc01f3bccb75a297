// SPDX-License-Identifier: Apache-2.0

import PBT

/// The lineages of a population: a row for each member, a curve for each copy.
struct LineageLayer {
    let scene: Scene
    /// The members with a row, in order.
    let rows: [Int]
    private let rowOfMember: [Int: Int]
    /// The lives that are shown.
    private let lanes: Chart.Lanes
    /// The shown pieces of all members.
    private let pieces: [Piece]

    /// The maximum number of rows.
    static let mostRows = 30
    /// The maximum number of extinct copies that are drawn.
    static let mostExtinctCopies = 250

    init(_ scene: Scene) {
        self.scene = scene
        let seen = scene.history.columns.starts.dropLast().map { scene.history.columns.ids[$0].member }
        let lanes = scene.options.lanes ?? .usual(ofMembers: seen.count)
        self.lanes = lanes
        let path = Set(scene.path.map { scene.history.pieceOfPlace[$0] })
        let pieces = scene.history.pieces.filter { piece in
            switch lanes {
            case .all: true
            case .survivors:
                path.contains(piece.id) || (piece.places.last.map { scene.history.families.survives[$0] } ?? false)
            case .path: path.contains(piece.id)
            }
        }
        self.pieces = pieces
        // A run without descendants has no survivors, and an experiment that has just started has no path.
        let living = Set(pieces.map(\.member))
        let candidates = seen.filter { living.contains($0) && (scene.topMembers?.contains($0) ?? true) }
        rows = Self.ordered(Self.chosen(candidates, of: scene), of: scene)
        rowOfMember = Dictionary(uniqueKeysWithValues: rows.enumerated().map { ($1, $0) })
    }

    /// Returns all members while they are few; else those of the highlighted lineage, and the current best.
    private static func chosen(_ members: [Int], of scene: Scene) -> [Int] {
        guard members.count > mostRows else { return members }
        let allowed = Set(members)
        var chosen: Set<Int> = []
        // The end of a long lineage is more informative than its beginning.
        for place in scene.path.reversed() where chosen.count < mostRows {
            let member = scene.history.columns.ids[place].member
            if allowed.contains(member) { chosen.insert(member) }
        }
        for member in Scene.ranked(scene.history) where chosen.count < mostRows && allowed.contains(member) {
            chosen.insert(member)
        }
        return chosen.sorted()
    }

    private static func ordered(_ members: [Int], of scene: Scene) -> [Int] {
        guard scene.options.order == .family else { return members }
        let families = scene.history.families
        // By the family of the member's newest interval; extinct lineages come last.
        var family: [Int: Int] = [:]
        for tip in families.population {
            if let place = scene.history.genealogy.place(of: tip) {
                family[tip.member] = families.family[place] ?? Families.limit
            }
        }
        return members.sorted {
            (family[$0] ?? Families.limit + 1, $0) < (family[$1] ?? Families.limit + 1, $1)
        }
    }

    private var rowHeight: Double {
        let base = Chart.height(of: scene.options.width, 13, 15, 16)
        return rows.count <= 8 ? base + 8 : base
    }

    var height: Double {
        70 + max(rowHeight * Double(max(rows.count, 1)), 60) + Scene.axisHeight + (scene.isNarrow ? 24 : 0)
    }

    /// A summary: the origin of the highlighted interval, and the founders that are left.
    var sentence: String {
        guard let tip = scene.tip, let founder = scene.path.first.map({ scene.history.columns.ids[$0].member }) else {
            return scene.sentence
        }
        let copies = scene.path.count { scene.history.columns.isExploit[$0] }
        let founders = scene.history.families.foundersLeft
        let best = scene.isBest ? "The best of \(scene.name), \(tip.id)," : "\(tip.id) of \(scene.name)"
        return "\(best) descends from founder \(founder) through \(scene.count(copies, "copy", "copies")). "
            + "After \(scene.count(scene.history.copies, "copy", "copies")) in all, "
            + "\(founders) of \(scene.count(scene.history.families.founders, "founder", "founders")) have descendants."
    }

    var title: String {
        let founders = scene.history.families.foundersLeft
        guard scene.history.copies > 0 else { return "\(scene.name): no member has been replaced" }
        return "\(scene.name): \(scene.count(scene.history.copies, "copy", "copies")), "
            + "\(scene.count(founders, "founder", "founders")) left of \(scene.history.families.founders)"
    }

    private var legend: Legend {
        let palette = scene.palette
        var legend = Legend()
        if scene.tip != nil {
            if scene.isBest { legend.add(.star(palette.best), "Best") }
            legend.add(
                .line(scene.pathColor, width: 3, dash: nil),
                scene.isBest ? "Lineage of the best" : "Lineage of \(scene.tip.map { "\($0.id)" } ?? "")")
        }
        if lanes != .path { for (mark, text) in scene.coloring.key { legend.add(mark, text) } }
        if scene.history.copies > 0, lanes != .path {
            if scene.coloring.isFamily {
                legend.add(.line(palette.trunk, width: 2, dash: nil), "Surviving lineage")
                if lanes == .all { legend.add(.line(palette.extinct, width: 1, dash: nil), "Extinct lineage") }
            } else if lanes == .all {
                legend.add(.none, "Thin and pale: extinct lineages")
            }
        }
        if pieces.contains(where: { $0.places.contains { scene.history.columns.isLost($0) } }) {
            legend.add(.cross(palette.ink), "Diverged or failed")
        }
        if let note { legend.add(.none, note) }
        return legend
    }

    /// A note about omitted rows and lives; none when all are shown.
    private var note: String? {
        let number = rows.count < scene.members ? "\(rows.count) of \(scene.members) members" : ""
        switch lanes {
        case .all: return number.isEmpty ? nil : "Showing \(number)"
        case .survivors: return "Surviving lineages only\(number.isEmpty ? "" : ", \(number)")"
        case .path: return "This lineage only"
        }
    }

    func draw(in frame: Frame, on drawing: inout Drawing) {
        var top = scene.drawTitle(title, in: frame, on: &drawing)
        guard !rows.isEmpty else {
            scene.drawMessage(
                scene.intervals.isEmpty
                    ? "No interval has been created yet."
                    : lanes == .path ? "No interval has finished with a score yet." : "No lineage survives.",
                in: frame, on: &drawing)
            return
        }
        top += legend.draw(
            from: frame.left + scene.margin, to: frame.right - scene.margin, top: top, on: &drawing)
        top = scene.drawCaption("Member", in: frame, top: top + 2, on: &drawing)
        let labels = rows.reduce(0) { max($0, TextWidth.of("\($1)", size: 10)) }
        let plot = Frame(
            left: frame.left + scene.margin + labels + 8, top: top + 2, right: frame.right - scene.margin - 10,
            bottom: frame.bottom - Scene.axisHeight)
        let step = plot.height / Double(rows.count)
        let planned = scene.planned
        let last = max(planned, scene.history.columns.lastIndex + 1)
        let x = Scale(low: 0, high: Double(max(1, last)), from: plot.left, to: plot.right)
        for (row, member) in rows.enumerated() {
            let y = plot.top + (Double(row) + 0.5) * step
            drawing.text("\(member)", at: Point(x: plot.left - 8, y: y + 3.5), anchor: .end, size: 10)
        }
        scene.drawColumns(
            x.wholeTicks(about: Int(saturating: plot.width / 60)), x, in: plot, label: "Interval of the member",
            on: &drawing)
        drawLanes(LaneGeometry(plot: plot, step: step, x: x), on: &drawing)
    }

    private func drawLanes(_ geometry: LaneGeometry, on drawing: inout Drawing) {
        let shown = pieces.filter { rowOfMember[$0.member] != nil }
        let isCrowded = shown.count { $0.isCopy && scene.coloring.tone(of: $0).isFaint } > Self.mostExtinctCopies
        for (tone, pieces) in scene.shownPieces(of: shown) {
            let lanes = pieces.compactMap { piece in lane(of: piece, geometry).map { (id: piece.id, line: $0) } }
            let width = tone.weight * (tone.isFaint ? 1 : 2.0)
            let swing = tone.isFaint ? 1 : 1.5
            let hidesCopies = tone.isFaint && isCrowded
            let opacity = scene.coloring.isFamily ? nil : tone.opacity
            guard scene.palette.isPage else {
                drawing.lines(lanes.map(\.line), stroke: tone.color, width: width, opacity: opacity)
                if !hidesCopies { drawSwings(pieces, geometry, stroke: tone.color, width: swing, on: &drawing) }
                continue
            }
            // On a page, a piece and the copy that it starts with are one element.
            let isAlone = scene.isAlone
            drawing.lines(
                lanes.filter { !isAlone[$0.id] }.map(\.line), stroke: tone.color, width: width, opacity: opacity)
            if !hidesCopies {
                drawSwings(pieces.filter { !isAlone[$0.id] }, geometry, stroke: tone.color, width: swing, on: &drawing)
            }
            drawing.pieces(
                lanes.filter { isAlone[$0.id] }.map { id, line in
                    var data = PathData()
                    let piece = scene.history.pieces[id]
                    if piece.isCopy, let first = piece.places.first, let (start, end) = self.swing(to: first, geometry)
                    {
                        data.swing(from: start, to: end)
                    }
                    data.line(through: line)
                    return (id, data)
                }, stroke: tone.color, width: width, opacity: opacity)
        }
        drawCrosses(shown, geometry, on: &drawing)
        drawPath(geometry, on: &drawing)
    }

    private func lane(of piece: Piece, _ geometry: LaneGeometry) -> [Point]? {
        let columns = scene.history.columns
        guard let row = rowOfMember[piece.member], let first = piece.places.first,
            let last = piece.places.last(where: { columns.states[$0].isFinished }) ?? piece.places.first,
            let from = geometry.point(columns.ids[first].index, row),
            let to = geometry.point(columns.ids[last].index + (columns.states[last].isFinished ? 1 : 0), row)
        else { return nil }
        return [from, to]
    }

    private func swing(to place: Int, _ geometry: LaneGeometry) -> (Point, Point)? {
        let ids = scene.history.columns.ids
        guard let parent = scene.parents[place],
            let from = rowOfMember[ids[parent].member], let to = rowOfMember[ids[place].member],
            var start = geometry.point(ids[parent].index + 1, from),
            let end = geometry.point(ids[place].index, to)
        else { return nil }
        // It leaves the donor's row slightly before the copy, so that it arrives where the new life starts.
        start.x -= geometry.lead
        return (start, end)
    }

    private func drawSwings(
        _ pieces: [Piece], _ geometry: LaneGeometry, stroke: String, width: Double, on drawing: inout Drawing
    ) {
        var data = PathData()
        for piece in pieces where piece.isCopy {
            guard let first = piece.places.first, let (start, end) = swing(to: first, geometry) else { continue }
            if data.points > Decimation.limit - 3 {
                drawing.path(data, stroke: stroke, width: width, opacity: "0.75")
                data = PathData()
            }
            data.swing(from: start, to: end)
        }
        drawing.path(data, stroke: stroke, width: width, opacity: "0.75")
    }

    private func drawPath(_ geometry: LaneGeometry, on drawing: inout Drawing) {
        var data = PathData()
        func flush(from limit: Int) {
            guard data.points > limit else { return }
            drawing.path(data, stroke: scene.pathColor, width: 3, isTip: true)
            data = PathData()
        }
        var start: Int?
        let ids = scene.history.columns.ids
        for (step, place) in scene.path.enumerated() {
            let id = ids[place]
            start = start ?? id.index
            let next = step + 1 < scene.path.count ? ids[scene.path[step + 1]] : nil
            if let next, next.member == id.member { continue }
            if let row = rowOfMember[id.member], let from = start,
                let a = geometry.point(from, row), var b = geometry.point(id.index + 1, row)
            {
                flush(from: Decimation.limit - 5)
                if next != nil { b.x -= geometry.lead }
                data.line(through: [a, b])
                if next != nil, let (p, q) = swing(to: scene.path[step + 1], geometry) { data.swing(from: p, to: q) }
            }
            start = nil
        }
        flush(from: 0)
        if let best = scene.history.best, let row = rowOfMember[best.id.member],
            let center = geometry.point(best.id.index + 1, row)
        {
            drawing.star(center, radius: scene.isNarrow ? 7 : 8, fill: scene.palette.best)
        }
    }

    private func drawCrosses(_ pieces: [Piece], _ geometry: LaneGeometry, on drawing: inout Drawing) {
        let columns = scene.history.columns
        guard columns.hasLosses else { return }
        var data = PathData()
        for place in pieces.lazy.flatMap(\.places) where columns.isLost(place) {
            guard let row = rowOfMember[columns.ids[place].member],
                let center = geometry.point(columns.ids[place].index + 1, row),
                data.points < Decimation.limit - 4
            else { continue }
            data.cross(at: center, reach: 3)
        }
        drawing.path(data, stroke: scene.palette.ink, width: 1.5, opacity: "0.8")
    }
}

extension Chart.Lanes {
    /// The default lives for a number of members.
    package static func usual(ofMembers members: Int) -> Self {
        members > LineageLayer.mostRows ? .survivors : .all
    }
}

/// The coordinates of rows and copies.
struct LaneGeometry {
    let plot: Frame
    let step: Double
    let x: Scale

    /// The horizontal extent of a copy's curve.
    var lead: Double {
        min(10, 0.6 * (x.end - x.start) / max(1, x.high - x.low))
    }

    func point(_ index: Int, _ row: Int) -> Point? {
        x.position(Double(index)).map { Point(x: $0, y: plot.top + (Double(row) + 0.5) * step) }
    }
}

extension Chart {
    /// Draws the lineages: a row for each member, a curve from the donor to the replaced member at each copy, and the
    /// lineage of the best interval highlighted.
    ///
    /// Of more than 30 members, those of that lineage and the current best are shown, and only the lives with
    /// descendants in the current population.
    ///
    /// - Parameters:
    ///   - history: The experiment.
    ///   - options: The options of the chart.
    /// - Returns: The chart.
    public static func lineage(of history: History, options: Options = Options()) -> Chart {
        let scene = Scene(history, options)
        let layer = LineageLayer(scene)
        var drawing = Drawing(scene.palette)
        layer.draw(in: Frame(left: 0, top: 0, right: scene.width, bottom: layer.height), on: &drawing)
        return Chart(
            title: "Lineage of \(scene.name)", summary: layer.sentence, width: scene.width, height: layer.height,
            drawing: drawing)
    }
}
