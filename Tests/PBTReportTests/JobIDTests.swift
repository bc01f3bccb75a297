// SPDX-License-Identifier: Apache-2.0

import PBT
import Testing

@testable import PBTReport

@Suite struct JobIDTests {
    private static func run(_ labels: [IntervalID: String]) -> HandMadeRun {
        var run = HandMadeRun(population: 2, intervals: 2)
        for member in 0..<2 {
            run.add(IntervalID(member: member, index: 0), parent: nil, score: 0.5)
            run.add(
                IntervalID(member: member, index: 1), parent: IntervalID(member: member, index: 0),
                score: member == 0 ? 0.6 : .nan)
        }
        for (id, label) in labels { run.change(id) { $0.label = label } }
        return run
    }

    @Test func `an interval's id is its label, or else member and interval`() {
        let own = IntervalID(member: 1, index: 0)
        let history = Self.run([own: "Xy-9_a"]).history()
        #expect(history.genealogy.intervals.map(\.jobID) == ["0@0", "0@1", "Xy-9_a", "1@1"])
        #expect(history.genealogy.interval(withID: "Xy-9_a")?.id == own)
        #expect(history.genealogy.interval(withID: "1@0")?.id == own)
        #expect(history.genealogy.interval(withID: "Xy") == nil)
        #expect(history.hasJobs && !Self.run([:]).history().hasJobs)
    }

    @Test func `a label that looks like another interval does not hide it`() {
        let history = Self.run([IntervalID(member: 1, index: 0): "0@0"]).history()
        #expect(history.genealogy.interval(withID: "0@0")?.id == IntervalID(member: 0, index: 0))
    }

    @Test func `CSV has the id of every interval, in whatever state`() {
        let run = Self.run([IntervalID(member: 0, index: 0): "a", IntervalID(member: 1, index: 1): "=b"])
        let lines = IntervalCSV(run.intervals).text(run.intervals).split(separator: "\r\n").map {
            $0.split(separator: ",", omittingEmptySubsequences: false)
        }
        let column = lines[0].firstIndex(of: "id") ?? 0
        #expect(lines.dropFirst().map { $0[column] } == ["a", "0@1", "1@0", "'=b"])
    }

    @Test func `files of a model are what the results of a job name`() {
        let id = IntervalID(member: 0, index: 0)
        var run = Self.run([id: "a"])
        run.change(id) { $0.metrics = ["weights_path": "w", "model_path": "m", "data_path": "d", "loss": 1] }
        run.change(id.next) {
            $0.label = "b"
            $0.metrics = ["model_path": 7, "weights_path": ""]
        }
        let history = run.history()
        let intervals = history.genealogy.intervals
        #expect(history.modelFiles(of: intervals[0]).map(\.path) == ["m", "w"])
        #expect(history.keepsFilesElsewhere(intervals[1]) && history.modelFiles(of: intervals[1]).isEmpty)
        #expect(!history.keepsFilesElsewhere(intervals[2]))
    }
}

@Suite struct ScatterScaleTests {
    /// Members with these values of a choice, and a rate; three intervals each, better with each.
    private static func history(_ values: [Value]) -> History {
        var run = HandMadeRun(
            population: values.count, intervals: 3, space: ["width": .choice(values), "rate": .logUniform(1e-4...1)])
        for index in 0..<3 {
            for member in values.indices {
                run.add(
                    IntervalID(member: member, index: index),
                    parent: index == 0 ? nil : IntervalID(member: member, index: index - 1),
                    score: Double(index) + (member == index ? 0.5 : 0.1),
                    ["width": values[member], "rate": .number(0.001 * Double(member + 1))])
            }
        }
        return run.history()
    }

    private static func chart(_ values: [Value], stars: Bool = false) -> Picture {
        Picture(
            .scatter(
                of: history(values),
                options: Chart.Options(
                    width: .wide, hyperparameters: ["width", "rate"], showsBestOfEach: stars)))
    }

    @Test func `choices among numbers that span decades have a logarithmic axis with their values as ticks`() {
        let wide = Self.chart([16, 256, 4096])
        #expect(wide.texts.contains("width (log)"))
        #expect(["16", "256", "4096"].allSatisfy(wide.texts.contains))
        // In equal distances, as their logarithms are.
        let places = ["16", "256", "4096"].compactMap { label in
            wide.elements.first { $0.name == "text" && $0.text == label }?.attributes["x"].flatMap { Double($0) }
        }
        #expect(places.count == 3 && abs(places[2] - 2 * places[1] + places[0]) < 1)
    }

    @Test(arguments: [[16, 32, 64], [0, 10, 10000], ["a", 1, 1000]] as [[Value]])
    func `other choices stay categories`(values: [Value]) {
        let picture = Self.chart(values)
        #expect(picture.texts.contains("width") && !picture.texts.contains("width (log)"))
    }

    @Test func `a star marks the best of each interval, if it is asked for`() {
        let legend = "Best of each interval; larger = later"
        #expect(!Self.chart([16, 256, 4096]).texts.contains(legend))
        let picture = Self.chart([16, 256, 4096], stars: true)
        #expect(picture.texts.contains(legend))
        let plain = Self.chart([16, 256, 4096])
        // One path with three stars of ten points each: members 0, 1 and 2 are the best of intervals 0, 1 and 2.
        let added = picture.elements.count - plain.elements.count
        #expect(added >= 1)
        let ink = picture.elements.filter { $0.name == "path" && ($0.attributes["d"] ?? "").count { $0 == "Z" } == 3 }
        #expect(ink.count == 1, "\(picture.elements.filter { $0.name == "path" })")
    }
}
