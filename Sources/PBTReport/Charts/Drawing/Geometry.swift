// SPDX-License-Identifier: Apache-2.0

/// A position in a chart, in pixels from its upper left corner.
struct Point: Sendable, Hashable {
    var x: Double
    var y: Double
}

/// A rectangle in a chart.
struct Frame: Sendable, Hashable {
    var left: Double
    var top: Double
    var right: Double
    var bottom: Double

    var width: Double { right - left }
    var height: Double { bottom - top }

    /// Returns whether a mark at a point is drawn: the point is inside the frame, or close to its edge.
    func contains(_ point: Point) -> Bool {
        let edge = 8.0
        return point.x >= left - edge && point.x <= right + edge && point.y >= top - edge && point.y <= bottom + edge
    }
}
