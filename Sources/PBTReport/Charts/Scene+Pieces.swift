// SPDX-License-Identifier: Apache-2.0

import PBT

/// On a page, each piece is an element of its own, up to a maximum number.
extension Scene {
    /// The maximum number of such pieces per chart while members are drawn individually.
    static let fewPieces = 160
    /// The maximum number where members are many, and most charts show bands.
    static let mostPieces = 800

    /// Returns the pieces that are elements of their own: those of the highlighted lineage, those with descendants in
    /// the current population, and of the others those with the most descendants.
    ///
    /// All ancestors of such a piece are included, so that no lineage has a gap.
    static func alone(_ history: History, path: [Int], members: Int) -> [Bool] {
        let pieces = history.pieces
        let limit = members <= fewMembers ? fewPieces : mostPieces
        guard pieces.count > limit else { return [Bool](repeating: true, count: pieces.count) }
        // The number of intervals of each piece and its descendants; more training comes first, so that a piece's
        // sum is complete when it is added to its parent's.
        var descent = pieces.map { $0.places.count }
        let depths = pieces.map { $0.places.first.map { history.columns.depths[$0] } ?? 0 }
        for piece in pieces.indices.sorted(by: { depths[$0] > depths[$1] }) {
            if let parent = pieces[piece].parent { descent[parent] += descent[piece] }
        }
        let onPath = Set(path.map { history.pieceOfPlace[$0] })
        let rank = pieces.indices.map { piece in
            if onPath.contains(piece) { return 0 }
            return (pieces[piece].places.last.map { history.families.survives[$0] } ?? false) ? 1 : 2
        }
        let order = pieces.indices.sorted {
            (rank[$0], descent[$1], depths[$0], $0) < (rank[$1], descent[$0], depths[$1], $1)
        }
        var isAlone = [Bool](repeating: false, count: pieces.count)
        for piece in order.prefix(limit) { isAlone[piece] = true }
        return isAlone
    }

    /// Draws lines of pieces in one style: on a page one element per piece, elsewhere as few paths as possible.
    func drawPieces(
        _ pieces: [(id: Int, lines: [[Point]])], stroke: String, width: Double = 1, opacity: String? = nil,
        on drawing: inout Drawing
    ) {
        guard palette.isPage else {
            drawing.lines(pieces.flatMap(\.lines), stroke: stroke, width: width, opacity: opacity)
            return
        }
        drawing.lines(
            pieces.filter { !isAlone[$0.id] }.flatMap(\.lines), stroke: stroke, width: width, opacity: opacity)
        let alone = pieces.filter { isAlone[$0.id] }.map { piece in
            var data = PathData()
            let lines = piece.lines.prefix(Decimation.limit / 4)
            for line in lines {
                if line.count == 1 {
                    data.circle(at: line[0], radius: 1.5)
                    continue
                }
                data.line(through: Decimation.reduced(line, to: max(4, Decimation.limit / lines.count)))
            }
            return (piece.id, data)
        }
        drawing.pieces(alone, stroke: stroke, width: width, opacity: opacity)
    }
}
