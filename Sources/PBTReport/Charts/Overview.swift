// SPDX-License-Identifier: Apache-2.0

import PBT

extension Chart {
    /// Draws learning curves next to the schedule of the best; one above the other where space is narrow.
    ///
    /// - Parameters:
    ///   - history: The experiment.
    ///   - options: The options of the chart.
    /// - Returns: The chart.
    public static func overview(of history: History, options: Options = Options()) -> Chart {
        let scene = Scene(history, options)
        let curves = CurvesLayer(scene)
        let schedule = ScheduleLayer(scene)
        var drawing = Drawing(scene.palette)
        let height: Double
        if options.width == .wide {
            height = min(max(440, schedule.height(.medium)), 900)
            let middle = (scene.width * 0.58).rounded()
            curves.draw(in: Frame(left: 0, top: 0, right: middle, bottom: height), on: &drawing)
            schedule.draw(in: Frame(left: middle, top: 0, right: scene.width, bottom: height), on: &drawing)
        } else {
            let middle = curves.height(plot: Self.height(of: options.width, 200, 260, 0), width: scene.width)
            height = middle + schedule.height(options.width)
            curves.draw(in: Frame(left: 0, top: 0, right: scene.width, bottom: middle), on: &drawing)
            schedule.draw(in: Frame(left: 0, top: middle, right: scene.width, bottom: height), on: &drawing)
        }
        return Chart(
            title: "Learning curves and schedule of \(scene.name)",
            summary: "\(scene.sentence) \(schedule.sentence)", width: scene.width, height: height, drawing: drawing)
    }
}
