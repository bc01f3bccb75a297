// SPDX-License-Identifier: Apache-2.0

/// The elements of a chart in painting order.
struct Drawing {
    /// The part of a text that is at its position.
    enum Anchor: String {
        case start, middle, end
    }

    let palette: Palette
    private(set) var body = ""
    /// The number of elements.
    private(set) var marks = 0
    /// The number of points of the longest path.
    private(set) var longestPath = 0

    /// The default size of text in pixels.
    static let textSize = 11.0

    init(_ palette: Palette) {
        self.palette = palette
    }

    mutating func path(
        _ data: PathData, stroke: String, width: Double = 1, opacity: String? = nil, dash: String? = nil,
        isTip: Bool = false
    ) {
        guard data.points > 0 else { return }
        element(
            "path\(isTip && palette.isPage ? " class=\"tip\"" : "") d=\"\(data.text)\" fill=\"none\" stroke=\"\(stroke)\"\(Self.width(width))"
                + (opacity.map { " stroke-opacity=\"\($0)\"" } ?? "")
                + (dash.map { " stroke-dasharray=\"\($0)\"" } ?? "") + " stroke-linejoin=\"round\"")
        longestPath = max(longestPath, data.points)
    }

    mutating func area(_ data: PathData, fill: String, opacity: String? = nil, stroke: String? = nil) {
        guard data.points > 0 else { return }
        element(
            "path d=\"\(data.text)\" fill=\"\(fill)\"" + (opacity.map { " fill-opacity=\"\($0)\"" } ?? "")
                + (stroke.map { " stroke=\"\($0)\"" } ?? ""))
        longestPath = max(longestPath, data.points)
    }

    mutating func line(_ a: Point, _ b: Point, stroke: String, width: Double = 1, dash: String? = nil) {
        var data = PathData()
        data.line(through: [a, b])
        path(data, stroke: stroke, width: width, dash: dash)
    }

    /// Draws lines of one style, in as few paths as the limit of points per path allows.
    mutating func lines(
        _ lines: [[Point]], stroke: String, width: Double = 1, opacity: String? = nil, dash: String? = nil,
        isTip: Bool = false
    ) {
        var data = PathData()
        for line in lines where line.count > 1 {
            let reduced = Decimation.reduced(line)
            if data.points + reduced.count > Decimation.limit {
                path(data, stroke: stroke, width: width, opacity: opacity, dash: dash, isTip: isTip)
                data = PathData()
            }
            data.line(through: reduced)
        }
        path(data, stroke: stroke, width: width, opacity: opacity, dash: dash, isTip: isTip)
    }

    /// Draws the paths of pieces in one style, each with its piece's number.
    mutating func pieces(
        _ pieces: [(id: Int, data: PathData)], stroke: String, width: Double = 1, opacity: String? = nil,
        dash: String? = nil
    ) {
        let drawn = pieces.filter { $0.data.points > 0 }
        guard !drawn.isEmpty else { return }
        body +=
            "<g fill=\"none\" stroke=\"\(stroke)\"\(Self.width(width))"
            + (opacity.map { " stroke-opacity=\"\($0)\"" } ?? "")
            + (dash.map { " stroke-dasharray=\"\($0)\"" } ?? "") + " stroke-linejoin=\"round\">\n"
        marks += 1
        for (id, data) in drawn {
            element("path data-p=\"\(id)\" d=\"\(data.text)\"")
            longestPath = max(longestPath, data.points)
        }
        body += "</g>\n"
    }

    mutating func rect(_ frame: Frame, fill: String, opacity: String? = nil, piece: Int? = nil) {
        element(
            "rect\(piece.map { " data-p=\"\($0)\"" } ?? "") x=\"\(Coordinate.text(frame.left))\" y=\"\(Coordinate.text(frame.top))\""
                + " width=\"\(Coordinate.text(max(0, frame.width)))\" height=\"\(Coordinate.text(max(0, frame.height)))\""
                + " fill=\"\(fill)\"" + (opacity.map { " fill-opacity=\"\($0)\"" } ?? ""))
    }

    mutating func circle(
        _ center: Point, radius: Double, fill: String, opacity: String? = nil, stroke: String? = nil, piece: Int? = nil
    ) {
        element(
            "circle\(piece.map { " data-p=\"\($0)\"" } ?? "") cx=\"\(Coordinate.text(center.x))\" cy=\"\(Coordinate.text(center.y))\""
                + " r=\"\(Coordinate.text(radius))\" fill=\"\(fill)\""
                + (opacity.map { " fill-opacity=\"\($0)\"" } ?? "") + (stroke.map { " stroke=\"\($0)\"" } ?? ""))
    }

    /// Draws a five-pointed star, outlined in the background's color so that it stands out from lines.
    mutating func star(_ center: Point, radius: Double, fill: String, stroke: String? = nil) {
        var data = PathData()
        data.star(at: center, radius: radius)
        area(data, fill: fill, stroke: stroke ?? palette.background)
    }

    mutating func text(
        _ text: String, at point: Point, anchor: Anchor = .start, size: Double = textSize, fill: String? = nil,
        isBold: Bool = false
    ) {
        guard !text.isEmpty else { return }
        marks += 1
        body += "<text x=\"\(Coordinate.text(point.x))\" y=\"\(Coordinate.text(point.y))\""
        if size != Self.textSize { body += " font-size=\"\(Coordinate.text(size))\"" }
        if anchor != .start { body += " text-anchor=\"\(anchor.rawValue)\"" }
        if isBold { body += " font-weight=\"bold\"" }
        body += " fill=\"\(fill ?? palette.muted)\">\(XML.escaped(text))</text>\n"
    }

    private mutating func element(_ content: String) {
        marks += 1
        body += "<\(content)/>\n"
    }

    private static func width(_ width: Double) -> String {
        width == 1 ? "" : " stroke-width=\"\(Coordinate.text(width))\""
    }
}
