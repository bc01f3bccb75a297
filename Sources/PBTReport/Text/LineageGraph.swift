// SPDX-License-Identifier: Apache-2.0

import PBT

/// The lineages of a whole population, as lanes of text or for Graphviz.
///
/// A node is a ``Piece``: consecutive intervals of one member that are inherited as a whole or not at all.
package struct LineageGraph: Sendable {
    private let history: History
    private let glyphs: Glyphs
    /// The shown pieces, latest first.
    private let pieces: [Piece]
    /// The pieces of the best interval's lineage.
    private let path: Set<Int>

    /// Creates the graph of an experiment.
    ///
    /// - Parameters:
    ///   - history: The experiment.
    ///   - onlySurvivors: True to show only ancestors of the current population.
    ///   - glyphs: The characters of the terminal.
    package init(_ history: History, onlySurvivors: Bool, glyphs: Glyphs) {
        self.history = history
        self.glyphs = glyphs
        let intervals = history.genealogy.intervals
        path = Set(history.best.map { history.pieces(to: $0.id).map(\.id) } ?? [])
        let path = path
        pieces = history.pieces
            .filter { piece in
                !onlySurvivors || path.contains(piece.id) || piece.places.contains { history.families.survives[$0] }
            }
            .sorted { a, b in
                // Children before parents: greater depth comes first.
                let depths = (intervals[a.places.upperBound - 1].depth, intervals[b.places.upperBound - 1].depth)
                return depths.0 == depths.1 ? a.id < b.id : depths.0 > depths.1
            }
    }

    /// The pieces, one per line, as `git log --graph` draws commits: `*` leads to the best, a lane that ends in `'` was
    /// copied from the piece on that line.
    package var lanes: [StyledLine] {
        var lanes: [Int?] = []
        var drawn: [(graph: String, piece: Piece)] = []
        for piece in pieces {
            var own = lanes.indices.filter { lanes[$0] == piece.id }
            if own.isEmpty {
                let free = lanes.firstIndex { $0 == nil } ?? lanes.count
                if free == lanes.count { lanes.append(nil) }
                own = [free]
            }
            let last = own[own.count - 1]
            var graph = ""
            for lane in lanes.indices {
                let isJoined = lane > own[0] && lane <= last
                if lane > 0 { graph += isJoined ? "-" : " " }
                if lane == own[0] {
                    graph += path.contains(piece.id) ? "*" : "o"
                } else if own.contains(lane) {
                    graph += "'"
                } else {
                    graph += lanes[lane] != nil ? "|" : isJoined ? "-" : " "
                }
            }
            for lane in own { lanes[lane] = nil }
            lanes[own[0]] = piece.parent
            while let end = lanes.last, end == nil { lanes.removeLast() }
            drawn.append((graph, piece))
        }
        let width = drawn.map(\.graph.count).max() ?? 0
        return drawn.map { graph, piece in
            var line = StyledLine(
                graph + String(repeating: " ", count: width - graph.count + 2),
                path.contains(piece.id) ? .magenta : .dim)
            line.append(name(of: piece), path.contains(piece.id) ? .bold : nil)
            line.append("  \(score(of: piece))")
            if piece.places.contains(where: { history.genealogy.intervals[$0].id == history.best?.id }) {
                line.append(" \(glyphs.best)", .magenta)
            }
            let origin = origin(of: piece)
            if !origin.isEmpty { line.append("  \(origin)") }
            return line
        }
    }

    /// The graph in the DOT language of Graphviz.
    package var dot: String {
        var text = "digraph lineage {\n  rankdir=LR;\n  node [shape=box, fontname=\"sans-serif\"];\n"
        let shown = Set(pieces.map(\.id))
        for piece in pieces.reversed() {
            let style = path.contains(piece.id) ? ", color=purple, penwidth=2" : ""
            text += "  p\(piece.id) [label=\"\(name(of: piece))\\n\(score(of: piece))\"\(style)];\n"
            guard let parent = piece.parent, shown.contains(parent) else { continue }
            let isPath = path.contains(piece.id) && path.contains(parent)
            let label = piece.isCopy ? changes(of: piece).joined(separator: "\\n") : ""
            text +=
                "  p\(parent) -> p\(piece.id) [label=\(Value.string(label).json.replacing("\\\\n", with: "\\n"))"
                + "\(isPath ? ", color=purple, penwidth=2" : "")\(piece.isCopy ? "" : ", style=bold")];\n"
        }
        return text + "}\n"
    }

    private func name(of piece: Piece) -> String {
        let (first, last) = (piece.indices.lowerBound, piece.indices.upperBound)
        return first == last ? "\(piece.member)@\(first)" : "\(piece.member)@\(first)-\(last)"
    }

    private func score(of piece: Piece) -> String {
        let last = history.genealogy.intervals[piece.places.upperBound - 1]
        return last.finiteScore.map { Format.score($0) } ?? (last.state == .done ? "-" : last.state.rawValue)
    }

    private func changes(of piece: Piece) -> [String] {
        history.genealogy.intervals[piece.places.lowerBound].changes.filter { $0.old != $0.new }.map { change in
            glyphs.text(PlainText.line("\(change.name) \(change.label)"))
        }
    }

    private func origin(of piece: Piece) -> String {
        let first = history.genealogy.intervals[piece.places.lowerBound]
        guard let parent = first.parent else { return first.id.index == 0 ? "founder" : "restarted" }
        return piece.isCopy ? ([glyphs.from, "\(parent)"] + changes(of: piece)).joined(separator: " ") : ""
    }
}
