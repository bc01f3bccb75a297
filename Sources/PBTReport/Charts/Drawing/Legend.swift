// SPDX-License-Identifier: Apache-2.0

/// The legend below a chart's title: at most a handful of entries, never one per member.
struct Legend {
    /// The mark of an entry.
    enum Mark {
        case line(String, width: Double, dash: String?)
        case dots([String])
        case star(String)
        case ring(String)
        case cross(String)
        case box(String)
        case band(String, opacity: String)
        case none
    }

    private(set) var entries: [(mark: Mark, text: String)] = []

    static let rowHeight = 15.0

    mutating func add(_ mark: Mark, _ text: String) {
        entries.append((mark, text))
    }

    private static func markWidth(_ mark: Mark) -> Double {
        switch mark {
        case .line, .band, .box: 22
        case .dots(let colors): Double(colors.count) * 9 + 4
        case .star, .ring, .cross: 15
        case .none: 0
        }
    }

    /// Draws the entries in rows between two edges, and returns their height.
    func draw(from left: Double, to right: Double, top: Double, on drawing: inout Drawing) -> Double {
        var x = left
        var row = 0.0
        for (mark, text) in entries {
            let fitted = TextWidth.fitted(text, to: right - left - Self.markWidth(mark), size: Drawing.textSize)
            let width = Self.markWidth(mark) + TextWidth.of(fitted, size: Drawing.textSize)
            if x > left, x + width > right {
                x = left
                row += 1
            }
            let middle = top + (row + 0.5) * Self.rowHeight
            draw(mark, at: Point(x: x, y: middle), on: &drawing)
            drawing.text(fitted, at: Point(x: x + Self.markWidth(mark), y: middle + 4))
            x += width + 14
        }
        return entries.isEmpty ? 0 : (row + 1) * Self.rowHeight
    }

    private func draw(_ mark: Mark, at point: Point, on drawing: inout Drawing) {
        let middle = Point(x: point.x + 6, y: point.y)
        switch mark {
        case .line(let color, let width, let dash):
            drawing.line(point, Point(x: point.x + 18, y: point.y), stroke: color, width: width, dash: dash)
        case .dots(let colors):
            for (place, color) in colors.enumerated() {
                drawing.circle(Point(x: point.x + 4 + 9 * Double(place), y: point.y), radius: 3.5, fill: color)
            }
        case .star(let color): drawing.star(middle, radius: 6, fill: color)
        case .ring(let color):
            drawing.circle(middle, radius: 3, fill: drawing.palette.background, stroke: color)
        case .cross(let color):
            var data = PathData()
            data.cross(at: middle, reach: 3)
            drawing.path(data, stroke: color, width: 1.5)
        case .band(let color, let opacity):
            drawing.rect(
                Frame(left: point.x, top: point.y - 5, right: point.x + 18, bottom: point.y + 5), fill: color,
                opacity: opacity)
        case .box(let color):
            var data = PathData()
            data.box(Frame(left: point.x, top: point.y - 5, right: point.x + 17, bottom: point.y + 5))
            drawing.path(data, stroke: color)
        case .none: break
        }
    }
}
