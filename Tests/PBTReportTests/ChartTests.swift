// SPDX-License-Identifier: Apache-2.0

import Foundation
import PBT
import PBTReport
import Testing

@Suite struct ChartTests {
    /// Every chart, theme and width.
    static let every = Kind.allCases.flatMap { kind in
        Chart.Theme.allCases.flatMap { theme in
            Chart.Width.allCases.map { (kind, Chart.Options(theme: theme, width: $0)) }
        }
    }

    /// What every picture owes.
    private func check(_ chart: Chart, _ comment: Comment, theme: Chart.Theme = .light) {
        let picture = Picture(chart)
        #expect(picture.complaint == nil, comment)
        #expect(picture.marks <= 1500, comment)
        #expect(picture.longestPath <= 300, comment)
        #expect(picture.leastTextSize >= 10, comment)
        #expect(chart.marks == picture.marks, comment)
        #expect(
            picture.coordinates.allSatisfy { number in
                let parts = number.split(separator: ".", omittingEmptySubsequences: false)
                return Double(number) != nil && (parts.count == 1 || parts[1].count == 1)
            }, comment)
        #expect(picture.elements.first?.attributes["role"] == "img", comment)
        #expect(!chart.svg.contains("xmlns:"), comment)
        #expect(!chart.title.isEmpty && !chart.summary.isEmpty, comment)
        let opening = chart.svg.prefix { $0 != ">" }
        #expect(picture.elements.dropFirst().prefix(2).map(\.name) == ["title", "desc"], comment)
        if theme == .page {
            #expect(!opening.contains("xmlns") && !opening.contains("font"), comment)
            #expect(!chart.svg.contains("=\"#"), "a color is not a variable")
        } else {
            #expect(opening.contains("xmlns=\"http://www.w3.org/2000/svg\""), comment)
            #expect(picture.elements.dropFirst(3).first?.name == "rect", comment)
            #expect(!chart.svg.contains("var(") && !chart.svg.contains("data-p"), comment)
        }
    }

    @Test(arguments: every)
    func `every picture is well formed, within its limits, and the same each time`(
        kind: Kind, options: Chart.Options
    ) throws {
        let history = try SimulatedRun().history()
        let chart = kind.chart(history, options)
        check(chart, "\(kind)", theme: options.theme)
        #expect(chart.width == options.width.rawValue)
        #expect(try chart == kind.chart(SimulatedRun().history(), options))
    }

    @Test(arguments: every)
    func `nothing stands outside of a picture`(kind: Kind, options: Chart.Options) throws {
        let chart = try kind.chart(SimulatedRun(population: 20, intervals: 30).history(), options)
        for element in Picture(chart).elements where element.name == "text" {
            let x = try #require(element.attributes["x"].flatMap { Double($0) })
            let y = try #require(element.attributes["y"].flatMap { Double($0) })
            let size = Double(element.attributes["font-size"] ?? "11") ?? 11
            // Less than the characters of any text are wide, on average.
            let width = Double(element.text.count) * size * 0.42
            let left =
                element.attributes["text-anchor"] == "end"
                ? x - width
                : element.attributes["text-anchor"] == "middle" ? x - width / 2 : x
            #expect(left >= -1 && left + width <= Double(chart.width) + 1, "\(element.text)")
            #expect(y >= size * 0.7 && y <= Double(chart.height), "\(element.text)")
        }
    }

    /// Runs that are out of the ordinary.
    static let odd: [(String, @Sendable () throws -> History)] = [
        ("nothing", { HandMadeRun(population: 0, intervals: 1).history() }),
        (
            "only waiting",
            {
                var run = HandMadeRun(population: 1, intervals: 3)
                run.add(IntervalID(member: 0, index: 0), parent: nil, score: nil)
                return run.history(baseline: [])
            }
        ),
        ("one member", { try SimulatedRun(population: 1).history() }),
        ("one interval", { try SimulatedRun(intervals: 1).history() }),
        ("one of both", { try SimulatedRun(population: 1, intervals: 1, hasBaseline: false).history() }),
        ("all diverged", { try SimulatedRun(score: { _, _ in .nan }).history() }),
        ("all equal", { try SimulatedRun(score: { _, _ in 0.5 }).history() }),
        ("all zero", { try SimulatedRun(score: { _, _ in 0 }).history() }),
        ("all below zero", { try SimulatedRun(score: { $1 - 5 }).history() }),
        ("huge", { try SimulatedRun(score: { $1 * 1e300 }).history() }),
        ("huge both ways", { try SimulatedRun(score: { ($1 - 0.5) * 3.4 * 1e308 }).history() }),
        ("tiny", { try SimulatedRun(score: { $1 * 1e-160 * 1e-150 }).history() }),
        ("nearly equal", { try SimulatedRun(score: { 1 + $1 * 1e-14 }).history() }),
        ("one outlier", { try SimulatedRun(score: { $0 == IntervalID(member: 3, index: 0) ? -1e12 : $1 }).history() }),
        ("half done", { try SimulatedRun(population: 20, intervals: 30, finishing: 111).history() }),
        ("many members", { try SimulatedRun(population: 60, intervals: 10).history() }),
        ("asynchronous", { try SimulatedRun(population: 20, intervals: 40, isSynchronous: false).history() }),
        ("less is better", { try SimulatedRun(objective: .minimize("loss")).history() }),
        ("constant space", { try SimulatedRun(space: ["a": .constant(1)]).history() }),
        ("empty space", { try SimulatedRun(space: [:]).history() }),
        (
            "one hyperparameter of many values",
            { try SimulatedRun(space: ["layers": .choice((0..<40).map { .integer($0) })]).history() }
        ),
        (
            "many hyperparameters",
            {
                try SimulatedRun(
                    space: SearchSpace(
                        Dictionary(uniqueKeysWithValues: (0..<14).map { ("hyperparameter_\($0)", .uniform(0...1)) }))
                ).history()
            }
        ),
        (
            "every kind",
            {
                try SimulatedRun(space: [
                    "normal": .normal(mean: 0, deviation: 1), "log_normal": .logNormal(mean: 0, deviation: 3),
                    "integer": .integer(-3...3), "log_integer": .logInteger(1...1024), "boolean": .boolean,
                    "list": .choice([[1, 2], ["a": nil]]), "grid": .uniform(0...1, quantum: 0.25),
                ]).history()
            }
        ),
    ]

    @Test(arguments: odd.indices, Kind.allCases)
    func `odd runs make sound pictures, on every axis`(place: Int, kind: Kind) throws {
        let (name, make) = Self.odd[place]
        let history = try make()
        check(kind.chart(history, Chart.Options(width: .wide)), "\(name), wide")
        for scale in [Chart.ScoreScale.linear, .logarithmic, .error(bound: 1)] {
            check(kind.chart(history, Chart.Options(width: .narrow, scale: scale)), "\(name) \(scale)")
        }
        check(kind.chart(history, Chart.Options(theme: .page)), "\(name), page", theme: .page)
    }

    static let hostile = "</text><script>alert(\"1\" & '2')</script> 😀 עברית \u{202e}abc \u{1b}[31m\u{0}\u{ffff}"

    @Test(arguments: Kind.allCases, [0, 500])
    func `hostile names are text and nothing else`(kind: Kind, length: Int) throws {
        let name = Self.hostile + String(repeating: "x", count: length)
        let run = SimulatedRun(
            name: name, objective: .maximize(name),
            space: [
                name: .choice([.string(name), .string("]]>"), .string("&amp;")]),
                "b\(name)": .logUniform(1e-3...1),
            ])
        let history = try run.history().trained(by: [name, "other\(name)"])
        let chart = kind.chart(history)
        check(chart, "\(kind)")
        check(kind.chart(history, Chart.Options(theme: .page, width: .narrow)), "\(kind), page", theme: .page)
        #expect(!chart.svg.contains("<script"))
        // Text from right to left is isolated, so that it does not reorder the sentence around it.
        if length == 0 { #expect(chart.summary.contains("\u{2068}") && chart.svg.contains("\u{2068}")) }
        #expect(!chart.summary.unicodeScalars.contains { $0.value < 0x20 })
        #expect(!chart.svg.unicodeScalars.contains { $0.value < 0x20 && $0 != "\n" || $0.value == 0x202e })
        let names = Set(Picture(chart).elements.map(\.name))
        #expect(names.isSubset(of: ["svg", "title", "desc", "rect", "path", "circle", "text"]))
        if let renderer = Picture.renderer { #expect(try Picture.rendered(chart.svg, by: renderer).count > 2000) }
    }

    @Test(.enabled(if: Picture.renderer != nil, "rsvg-convert is not installed"), arguments: every)
    func `every picture is drawn by librsvg, and is not blank`(kind: Kind, options: Chart.Options) throws {
        let renderer = try #require(Picture.renderer)
        let chart = try kind.chart(SimulatedRun(population: 8, intervals: 10).history(), options)
        let drawn = try Picture.rendered(
            options.theme == .page ? Picture.onPage(chart, .light) : chart.svg, by: renderer)
        let size = "width=\"\(chart.width)\" height=\"\(chart.height)\""
        let blank = try Picture.rendered(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" \(size)><rect \(size) fill=\"#fff\"/></svg>", by: renderer)
        #expect(drawn.prefix(4) == Data([0x89, 0x50, 0x4e, 0x47]))
        #expect(drawn.count > 5 * blank.count)
    }

    @Test func `the highlighted lane leaves the donor where it was copied`() throws {
        let chart = Chart.lineage(of: HandMadeRun.donorLivesOn.history())
        let thick = Picture(chart).elements.filter { $0.attributes["stroke-width"] == "3" && $0.attributes["d"] != nil }
        // The last one is the path; the first is its sample in the legend.
        let data = try #require(thick.last?.attributes["d"])
        let numbers = data.split { "MLC ".contains($0) }.compactMap { Double($0) }
        // Along member 0's row, down to member 1's, along it: M L, M C, M L.
        #expect(data.filter(\.isLetter) == "MLMCML")
        let (left, leaving) = (numbers[0], numbers[2])
        let (arriving, right) = (numbers[12], numbers[14])
        #expect(numbers[1] == numbers[3] && numbers[13] == numbers[15] && numbers[1] < numbers[13])
        // Three of six intervals belong to the donor.
        #expect(((arriving - left) / (right - left) - 0.5).magnitude < 0.001)
        #expect(leaving < arriving && leaving > left + (right - left) / 3)
    }

    @Test func `another member's ancestry can stand out, and is not purple then`() throws {
        let history = HandMadeRun.small
        let tip = try #require(IntervalID("0@4"))
        #expect(history.best?.id != tip)
        let chart = Chart.curves(of: history, options: Chart.Options(tip: tip))
        #expect(Picture(chart).texts.contains("Lineage of 0@4"))
        let thick = Picture(chart).elements.filter { $0.attributes["stroke-width"] == "3" }
        #expect(!thick.isEmpty && thick.allSatisfy { $0.attributes["stroke"] != "#6a28c7" })
    }

    @Test func `a few far worse scores do not flatten all others, and the picture says so`() throws {
        let history = try SimulatedRun(
            score: { $0 == IntervalID(member: 3, index: 0) ? -1e12 : $1 }
        ).history()
        let texts = Picture(Chart.curves(of: history)).texts
        #expect(texts.contains("2 scores outside the axis"))
        #expect(texts.contains("0.4"))
    }

    @Test func `a summary leaves out what never applied to the lineage`() {
        var run = HandMadeRun(
            population: 4, intervals: 1,
            space: [
                "kind": .choice(["sgd", "adam"]), "beta": .uniform(0...1).when("kind", is: "adam"),
                "momentum": .uniform(0...1).when("kind", is: "sgd"),
            ])
        run.add(IntervalID(member: 0, index: 0), parent: nil, score: 0.9, ["kind": "sgd", "momentum": 0.5])
        run.add(IntervalID(member: 1, index: 0), parent: nil, score: 0.1, ["kind": "adam", "beta": 0.25])
        run.add(IntervalID(member: 2, index: 0), parent: nil, score: 0.1, ["kind": "sgd", "momentum": 0.75])
        run.add(IntervalID(member: 3, index: 0), parent: nil, score: 0.1, ["kind": "adam", "beta": 0.5])
        let summary = Chart.schedule(of: run.history()).summary
        #expect(summary.contains("kind stayed sgd") && summary.contains("momentum stayed 0.5"))
        #expect(!summary.contains("beta"))
    }

    @Test func `summaries are sentences with the answer`() {
        let summary = Chart.curves(of: HandMadeRun.small).summary
        #expect(
            summary
                == "Best accuracy 0.8000, by member 1 at interval 4; 0.8000 vs. 0.6600 of random search, "
                + "after 20 intervals each: 0.140 better, beyond noise ±0.034. "
                + "1 of 4 founders left after 3 copies. Higher is better.")
        #expect(
            Chart.schedule(of: HandMadeRun.small).summary
                == "Along the lineage of 1@4, 5 intervals with 1 copy: rate went from 0.1 to 0.08; kind stayed relu.")
        #expect(
            Chart.curves(of: HandMadeRun(population: 1, intervals: 1).history()).summary
                == "No interval of by hand has finished with a score yet.")
    }

    @Test(arguments: Kind.allCases, [(10_000, 20), (200, 400)])
    func `the largest runs stay within the limits`(kind: Kind, size: (members: Int, intervals: Int)) {
        let history = Self.large(size.members)
        let clock = ContinuousClock()
        var chart: Chart?
        let time = clock.measure { chart = kind.chart(history) }
        guard let chart else { return }
        check(chart, "\(kind) of \(size)")
        #expect(chart.svg.utf8.count < 150_000)
        print(
            "\(kind) of \(size.members) × \(size.intervals): \(chart.svg.utf8.count) bytes, \(chart.marks) marks, \(time)"
        )
    }

    private static let wide = HandMadeRun.large(members: 10_000, intervals: 20)
    private static let long = HandMadeRun.large(members: 200, intervals: 400)

    private static func large(_ members: Int) -> History {
        members == 200 ? long : wide
    }
}
