// SPDX-License-Identifier: Apache-2.0

/// The contents of a path's `d` attribute.
struct PathData {
    private(set) var text = ""
    /// The number of points.
    private(set) var points = 0

    mutating func move(to point: Point) {
        text += "M\(Coordinate.text(point.x)) \(Coordinate.text(point.y))"
        points += 1
    }

    mutating func line(to point: Point) {
        text += "L\(Coordinate.text(point.x)) \(Coordinate.text(point.y))"
        points += 1
    }

    /// Adds a curve that leaves and arrives horizontally.
    mutating func swing(from start: Point, to end: Point) {
        let reach = max(3, (end.x - start.x).magnitude / 2)
        move(to: start)
        text +=
            "C\(Coordinate.text(start.x + reach)) \(Coordinate.text(start.y)) "
            + "\(Coordinate.text(end.x - reach)) \(Coordinate.text(end.y)) "
            + "\(Coordinate.text(end.x)) \(Coordinate.text(end.y))"
        points += 3
    }

    mutating func line(through points: [Point]) {
        for (place, point) in points.enumerated() {
            if place == 0 { move(to: point) } else { line(to: point) }
        }
    }

    /// Adds a closed rectangle.
    mutating func box(_ frame: Frame) {
        line(through: [
            Point(x: frame.left, y: frame.top), Point(x: frame.right, y: frame.top),
            Point(x: frame.right, y: frame.bottom), Point(x: frame.left, y: frame.bottom),
        ])
        close()
    }

    mutating func close() {
        text += "Z"
    }

    mutating func circle(at center: Point, radius: Double) {
        let r = Coordinate.text(radius)
        let diameter = Coordinate.text(2 * radius)
        text +=
            "M\(Coordinate.text(center.x - radius)) \(Coordinate.text(center.y))"
            + "a\(r) \(r) 0 1 0 \(diameter) 0a\(r) \(r) 0 1 0 -\(diameter) 0"
        points += 3
    }

    /// Adds a five-pointed star.
    mutating func star(at center: Point, radius: Double) {
        let outer = [(0.0, -1.0), (0.951, -0.309), (0.588, 0.809), (-0.588, 0.809), (-0.951, -0.309)]
        let inner = [(0.225, -0.309), (0.363, 0.118), (0.0, 0.382), (-0.363, 0.118), (-0.225, -0.309)]
        line(
            through: zip(outer, inner).flatMap { [$0, $1] }
                .map { Point(x: center.x + $0.0 * radius, y: center.y + $0.1 * radius) })
        close()
    }

    mutating func cross(at center: Point, reach: Double) {
        line(through: [
            Point(x: center.x - reach, y: center.y - reach), Point(x: center.x + reach, y: center.y + reach),
        ])
        line(through: [
            Point(x: center.x - reach, y: center.y + reach), Point(x: center.x + reach, y: center.y - reach),
        ])
    }
}

/// Formats coordinates with at most one decimal.
enum Coordinate {
    static func text(_ value: Double) -> String {
        guard value.isFinite else { return "0" }
        let tenths = Int((min(max(value, -1e6), 1e6) * 10).rounded())
        let whole = "\(tenths.magnitude / 10)"
        let digits = tenths.magnitude % 10 == 0 ? whole : "\(whole).\(tenths.magnitude % 10)"
        return tenths < 0 ? "-\(digits)" : digits
    }
}

/// Limits the number of points of a path.
enum Decimation {
    /// The maximum number of points of a path.
    static let limit = 300

    /// Returns at most `limit` of the points: the first, the last, and the lowest and highest of each segment between.
    static func reduced(_ points: [Point], to limit: Int = limit) -> [Point] {
        guard points.count > limit, limit >= 4, let first = points.first, let last = points.last else { return points }
        let stretches = (limit - 2) / 2
        let inner = points.count - 2
        var kept = [first]
        for stretch in 0..<stretches {
            let range = (1 + stretch * inner / stretches)..<(1 + (stretch + 1) * inner / stretches)
            guard var low = range.first else { continue }
            var high = low
            for place in range {
                if points[place].y < points[low].y { low = place }
                if points[place].y > points[high].y { high = place }
            }
            kept.append(points[min(low, high)])
            if low != high { kept.append(points[max(low, high)]) }
        }
        kept.append(last)
        return kept
    }
}
