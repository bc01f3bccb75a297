// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTReport
import Testing

@Suite struct TimelineTests {
    /// Intervals of members 0, 1, …, each trained by a worker from one second to another.
    private func history(_ stretches: [(worker: String?, start: Int64?, end: Int64?, state: Interval.State)]) -> History
    {
        var run = HandMadeRun(population: stretches.count, intervals: 1)
        for member in stretches.indices { run.add(IntervalID(member: member, index: 0), parent: nil, score: 0.5) }
        var intervals = run.intervals
        for (place, stretch) in stretches.enumerated() {
            intervals[place].worker = stretch.worker
            intervals[place].started = stretch.start.map { Timestamp(milliseconds: $0 * 1000) }
            intervals[place].finished = stretch.end.map { Timestamp(milliseconds: $0 * 1000) }
            intervals[place].state = stretch.state
            if stretch.state != .done { intervals[place].score = nil }
        }
        return History(SimulatedRun.record(run.experiment, intervals), intervals: intervals)
    }

    @Test func `how busy a worker is counts from its first start to its last end, and what overlaps once`() {
        let history = history([
            ("a", 100, 110, .done), ("a", 120, 140, .done), ("b", 130, 140, .done), ("b", 135, 150, .failed),
        ])
        let chart = Chart.timeline(of: history)
        let texts = Picture(chart).texts
        // a: 30 of 40 seconds; b: 20 of 20.
        #expect(texts.contains("by hand: 2 workers busy 83 %"))
        #expect(texts.contains("75 %") && texts.contains("100 %"))
        #expect(texts.contains("Diverged or failed"))
        #expect(chart.summary.contains("2 workers trained 4 intervals in 50s, busy 83 % of the time"))
        #expect(chart.summary.contains("the least busy one is a with 75 %"))
        #expect(
            ChartTable.timeline(of: history).rows == [
                ["a", "2", "0", "0", "30s", "40s", "75.0 %"], ["b", "2", "0", "1", "20s", "20s", "100.0 %"],
            ])
    }

    @Test func `bars stand where the time says, and idle time stays visible`() throws {
        let history = history([("a", 0, 10, .done), ("a", 30, 40, .done), ("b", 0, 40, .done)])
        let picture = Picture(Chart.timeline(of: history, options: Chart.Options(theme: .page, width: .wide)))
        let bars = picture.elements.filter { $0.attributes["data-p"] != nil }
        try #require(bars.count == 3)
        func edges(_ element: Int) throws -> (Double, Double) {
            let bar = bars[element].attributes
            let x = try #require(bar["x"].flatMap { Double($0) })
            return (x, x + (try #require(bar["width"].flatMap { Double($0) })))
        }
        let byPiece = try Dictionary(
            uniqueKeysWithValues: bars.indices.map { (bars[$0].attributes["data-p"] ?? "", try edges($0)) })
        let (first, second, all) = try (
            #require(byPiece["0"]), #require(byPiece["1"]), #require(byPiece["2"])
        )
        let second1 = (all.1 + 1 - all.0) / 40
        #expect(first.0 == all.0 && ((first.1 + 1 - first.0) / second1 - 10).magnitude < 0.1)
        #expect(((second.0 - all.0) / second1 - 30).magnitude < 0.1)
        let ground = picture.elements.filter { $0.name == "rect" && $0.attributes["fill"] == "var(--grid)" }
        // One is the legend's.
        #expect(ground.count == 3)
    }

    @Test func `what says nothing of worker or time is counted, and no axis is drawn for nothing`() {
        let some = history([("a", 0, 10, .done), (nil, 0, 10, .done), ("a", nil, 20, .done), ("a", 30, 20, .done)])
        #expect(Picture(Chart.timeline(of: some)).texts.contains("3 intervals have no recorded worker or time"))
        #expect(ChartTable.timeline(of: some).note == "3 finished intervals have no recorded worker or time")
        let none = Picture(Chart.timeline(of: history([(nil, nil, nil, .done)])))
        #expect(none.texts.contains("No interval has a recorded worker and time."))
        #expect(!none.elements.contains { $0.name == "path" })
        let nothing = Picture(Chart.timeline(of: HandMadeRun(population: 1, intervals: 1).history()))
        #expect(nothing.texts.contains("No interval has started yet."))
    }

    @Test func `what is being trained reaches until now`() {
        let texts = Picture(Chart.timeline(of: history([("a", 0, 10, .done), ("b", 5, nil, .running)]))).texts
        #expect(texts.contains("Training") && texts.contains("by hand: 2 workers busy 100 %"))
    }

    @Test(arguments: Chart.Width.allCases)
    func `what is merged does not make the ancestry of the best look longer than it is`(width: Chart.Width) throws {
        let history = try SimulatedRun(population: 20, intervals: 40, isSynchronous: false).history()
        let best = try #require(history.best)
        let picture = Picture(Chart.timeline(of: history, options: Chart.Options(theme: .page, width: width)))
        let painted = picture.elements.filter { $0.attributes["fill"] == "var(--best)" }.reduce(0.0) { sum, element in
            if let width = element.attributes["width"].flatMap({ Double($0) }) { return sum + width }
            // Boxes of four points each; the stars have ten.
            return sum
                + (element.attributes["d"] ?? "").split(separator: "Z").reduce(0.0) { sum, box in
                    let points = box.dropFirst().split(separator: "L").map { $0.split(separator: " ") }
                    guard points.count == 4, let left = Double(points[0][0]), let right = Double(points[1][0]) else {
                        return sum
                    }
                    return sum + right - left
                }
        }
        // At most three pixels for each of its intervals that is shorter, a gap beside it, and the legend's sample.
        let ancestry = history.lineage(of: best.id).count
        #expect(painted > 18 && painted < Double(ancestry) * 4 + 18, "\(painted) for \(ancestry)")
    }

    @Test(arguments: [Chart.Theme.light, .page], Chart.Width.allCases)
    func `thousands of intervals are merged, and of many workers the busiest are shown`(
        theme: Chart.Theme, width: Chart.Width
    ) {
        let names = (0..<45).map { "host/\($0)" }
        let history = HandMadeRun.large(members: 100, intervals: 80).trained(by: names)
        let chart = Chart.timeline(of: history, options: Chart.Options(theme: theme, width: width))
        let picture = Picture(chart)
        #expect(picture.complaint == nil)
        #expect(picture.marks <= 1500 && picture.marks == chart.marks && picture.longestPath <= 300)
        #expect(picture.texts.contains("Showing the busiest 30 of 45 workers"))
        #expect(picture.texts.contains("Short intervals are merged"))
        #expect(picture.texts.count { $0.hasPrefix("host/") } == 30)
        #expect(chart.svg.utf8.count < 150_000)
    }
}
