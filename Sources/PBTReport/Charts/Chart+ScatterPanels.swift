// SPDX-License-Identifier: Apache-2.0

import PBT

extension Chart {
    /// Draws the scatter charts of several experiments as panels with the same axes, two in a row.
    ///
    /// Each panel has the experiment's name and best score as its title. Baselines are left out.
    ///
    /// - Parameters:
    ///   - history: The experiment of the first panel.
    ///   - others: The other experiments, in the order of the panels.
    ///   - options: The options of the chart; the axes should be named.
    /// - Returns: The chart.
    public static func scatter(
        of history: History, nextTo others: [History], options: Options = Options()
    ) -> Chart {
        let histories = [history] + others
        var plain = options
        plain.showsBaseline = false
        var layers = histories.map { ScatterLayer(Scene($0, plain)) }
        let points = layers.map(\.points)
        for place in layers.indices {
            layers[place].others = (points.flatMap(\.x), points.flatMap(\.y))
            let score = histories[place].best?.finiteScore.map { ": best \(Format.score($0))" } ?? ""
            layers[place].panelTitle = XML.name(histories[place].record.experiment.name, width: 30) + score
        }
        let first = layers[0]
        let columns = first.scene.isNarrow ? 1 : min(2, layers.count)
        let rows = (layers.count + columns - 1) / columns
        let (width, height) = (first.scene.width / Double(columns), first.height)
        var drawing = Drawing(first.scene.palette)
        for (place, layer) in layers.enumerated() {
            let (left, top) = (width * Double(place % columns), height * Double(place / columns))
            layer.draw(in: Frame(left: left, top: top, right: left + width, bottom: top + height), on: &drawing)
        }
        return Chart(
            title: histories.map { XML.name($0.record.experiment.name, width: 30) }.joined(separator: ", "),
            summary: layers.map(\.sentence).joined(separator: " "), width: first.scene.width,
            height: height * Double(rows), drawing: drawing)
    }
}
