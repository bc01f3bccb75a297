// SPDX-License-Identifier: Apache-2.0

import PBT

extension Columns {
    /// Returns the position of an interval's end on an axis; NaN when it is not known.
    func end(_ place: Int, on axis: Chart.Axis) -> Double {
        axis == .training ? Double(depths[place]) : finished[place]
    }

    /// Returns the intervals that are compared with each other at each step of an axis.
    func population(on axis: Chart.Axis) -> [(at: Double, places: [Int])] {
        guard axis == .training else { return newest(at: 60).map { ($0.time, $0.places) } }
        // A dictionary rather than an array by depth: depths may be far apart.
        let places = Dictionary(grouping: depths.indices.filter { (0...trained).contains(depths[$0]) }) { depths[$0] }
        return places.sorted { $0.key < $1.key }.map { (Double($0), $1) }
    }
}
