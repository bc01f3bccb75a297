// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTReport
import Testing

@Suite struct ComparisonTests {
    /// A run of one member whose best score so far ends at a number, after so many intervals.
    private func run(
        _ name: String, best: Double, seed: UInt64 = 0, intervals: Int = 4, exploit: ExploitRule = .truncation(),
        objective: Objective = .maximize("accuracy")
    ) -> History {
        var run = HandMadeRun(name, objective: objective, population: 1, intervals: 4)
        run.experiment.seed = seed
        run.experiment.exploit = exploit
        for index in 0..<intervals {
            run.add(
                IntervalID(member: 0, index: index), parent: index == 0 ? nil : IntervalID(member: 0, index: index - 1),
                score: best * Double(index + 1) / Double(intervals))
        }
        return run.history()
    }

    @Test func `runs that differ in name and seed only are one, with a median and quartiles`() {
        let histories =
            [0.5, 0.6, 0.7, 0.8, 0.9].enumerated().map { run("pbt-seed\($0)", best: $1, seed: UInt64($0)) }
            + [run("none", best: 0.4, exploit: .none)]
        let table = ChartTable.comparison(of: histories)
        #expect(
            table.rows == [
                ["pbt", "5", "0.7000", "0.6000", "0.8000", "0.9000", "0.5000", "4"],
                ["none", "1", "0.4000", "0.4000", "0.4000", "0.4000", "0.4000", "4"],
            ])
        let chart = Chart.comparison(of: histories)
        let picture = Picture(chart)
        #expect(picture.texts.contains("pbt: median best accuracy 0.7000"))
        #expect(picture.texts.contains("pbt: 0.7000 (0.6000 to 0.8000, 5 seeds)"))
        #expect(picture.texts.contains("none: 0.4000"))
        #expect(chart.title == "Comparison of 6 runs")
        #expect(
            chart.summary
                == "Best accuracy so far by finished intervals: pbt 0.7000 (0.6000 to 0.8000, 5 seeds); none 0.4000. "
                + "Higher is better.")
    }

    @Test(arguments: [
        (["digits-seed0", "digits-seed1"], "digits"), (["a_1", "a_2", "a_10"], "a"),
        (["digits s1", "digits s12"], "digits"),
        (["run2024-1", "run2024-2"], "run2024"), (["x", "y"], "x"), (["same"], "same"), (["12", "13"], "12"),
        (["glass", "glasses"], "glass"),
    ])
    func `a group is called what its names have in common`(names: [String], common: String) {
        let histories = names.enumerated().map { run($1, best: 0.5, seed: UInt64($0)) }
        #expect(ChartTable.comparison(of: histories).rows.map { $0[0] } == [common])
    }

    @Test func `the random searches beside runs are one contender more, named as such`() throws {
        let histories = try (0..<3).map { seed in
            try SimulatedRun(name: "digits-\(seed)", population: 6, intervals: 8, seed: UInt64(seed)).history()
        }
        let table = ChartTable.comparison(of: histories)
        #expect(table.rows.map { $0[0] } == ["digits", "random search"])
        #expect(table.rows.map { $0[1] } == ["3", "3"])
        #expect(ChartTable.comparison(of: histories, showsBaseline: false).rows.count == 1)
        let dashed = Picture(Chart.comparison(of: histories)).elements.filter {
            $0.attributes["stroke-dasharray"] == "5 3"
        }
        // The line, and its sample in the legend.
        #expect(dashed.count == 2)
    }

    @Test func `less is better where it is`() {
        let histories = [
            run("a", best: 0.5, objective: .minimize("loss")),
            run("b", best: 0.25, exploit: .none, objective: .minimize("loss")),
        ]
        // The best so far of a falling score is its first one: a quarter of the last.
        #expect(ChartTable.comparison(of: histories).rows.map { $0[0] } == ["b", "a"])
        #expect(Chart.comparison(of: histories).summary.hasSuffix("Lower is better."))
    }

    @Test func `runs with different objectives are not compared, and the picture says why`() {
        let histories = [run("a", best: 1), run("b", best: 1, objective: .minimize("loss"))]
        let picture = Picture(Chart.comparison(of: histories, options: Chart.Options(width: .wide)))
        #expect(
            picture.texts.contains(
                "These runs cannot be compared: their objectives are accuracy (maximize), loss (minimize)."))
        #expect(ChartTable.comparison(of: histories).note == "runs with different objectives cannot be compared")
        #expect(ChartTable.comparison(of: []).note == "nothing to compare")
        #expect(Picture(Chart.comparison(of: [])).complaint == nil)
    }

    @Test(arguments: Chart.Theme.allCases, Chart.Width.allCases)
    func `many contenders stay readable: six have a color, the rest is gray`(theme: Chart.Theme, width: Chart.Width) {
        let histories = (0..<9).map { place in
            run("variant \(place)", best: 0.5 + 0.02 * Double(place), exploit: .truncation(0.1 + 0.03 * Double(place)))
        }
        let chart = Chart.comparison(of: histories, options: Chart.Options(theme: theme, width: width))
        let picture = Picture(chart)
        #expect(picture.complaint == nil && picture.marks == chart.marks)
        #expect(picture.texts.contains("3 others"))
        #expect(picture.texts.contains("variant 8: 0.6600") && !picture.texts.contains { $0.hasPrefix("variant 2") })
        // The labels at the right edge do not touch each other.
        let ends = picture.elements.filter {
            $0.name == "text" && $0.attributes["font-weight"] == "bold" && $0.text.hasPrefix("0.")
        }.compactMap { $0.attributes["y"].flatMap { Double($0) } }.sorted()
        #expect(ends.count == 6)
        #expect(zip(ends, ends.dropFirst()).allSatisfy { $1 - $0 >= 12.9 })
    }
}
