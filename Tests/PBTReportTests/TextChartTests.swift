// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTReport
import Testing

@Suite struct TextChartTests {
    private static let braille: ClosedRange<Unicode.Scalar> = "\u{2801}"..."\u{28ff}"

    @Test(arguments: [20, 40, 80, 133], [8, 12, 24])
    func `charts fit the terminal, in braille and in ASCII`(width: Int, height: Int) throws {
        let histories = [
            HandMadeRun.small, try SimulatedRun(intervals: 9).history(), HandMadeRun.large(members: 30, intervals: 40),
            HandMadeRun.donorLivesOn.history(),
        ]
        for history in histories {
            for isASCII in [false, true] {
                let chart = TextChart(history, width: width, glyphs: Glyphs(isASCII: isASCII))
                let curves = chart.curves(height: height)
                #expect(curves.count <= height)
                for line in curves + chart.schedule(height: 5) {
                    #expect(line.columns <= width, "\(line.plain)")
                    #expect(!isASCII || line.plain.utf8.allSatisfy { $0 < 0x80 }, "\(line.plain)")
                }
                #expect(curves.contains { $0.plain.contains(isASCII ? "*" : "★") })
                if !isASCII {
                    #expect(curves.contains { $0.plain.unicodeScalars.contains { Self.braille.contains($0) } })
                }
            }
        }
    }

    @Test func `curves say what is best, which direction that is, and what the axes are`() {
        let lines = TextChart(HandMadeRun.small, width: 60, glyphs: Glyphs(isASCII: true)).curves(height: 14).map(
            \.plain)
        #expect(lines[0] == "small: best accuracy 0.8000, random search 0.6600: 0.140 be~")
        #expect(lines.last == "* 1@4 and its lineage; o random search, best so far")
        #expect(lines[lines.count - 2].contains { $0 == "5" })
        // The best of all stands at the right end, above all else.
        let top = lines.dropFirst().first { $0.contains("#") || $0.contains("*") }
        #expect(top?.last == "*")
        #expect(lines.contains { $0.contains("0.8 |") })
    }

    @Test func `a schedule has a panel for each number, and a line for what is chosen`() {
        let chart = TextChart(HandMadeRun.small, width: 60, glyphs: Glyphs(isASCII: true))
        let lines = chart.schedule(height: 5).map(\.plain)
        #expect(lines[0] == "small: schedule of * 1@4")
        #expect(lines[1] == "rate (log)")
        #expect(lines.suffix(2) == ["kind", "  relu 1-5"])
        #expect(lines.count == 4 + 5 + 2)
        #expect(lines.contains { $0.contains("####") })
    }

    @Test func `without a score there is a sentence and no axis`() {
        let chart = TextChart(
            HandMadeRun(population: 2, intervals: 2).history(), width: 60, glyphs: Glyphs(isASCII: true))
        #expect(chart.curves(height: 10).map(\.plain) == ["by hand: no score yet"])
        #expect(chart.schedule(height: 5).map(\.plain) == ["by hand: no score yet"])
    }

    @Test func `lanes show who continued whom, as git log does`() {
        let graph = LineageGraph(HandMadeRun.small, onlySurvivors: false, glyphs: Glyphs(isASCII: true))
        #expect(
            graph.lanes.map(\.plain).joined(separator: "\n") == """
                o        0@2-4  0.7500
                | *      1@3-4  0.8000 *
                | | o    2@2-4  0.7800  <- 0@1 rate resampled
                | | | o  3@3-4  0.7400  <- 1@2 rate x0.8
                | *-|-'  1@2  0.6000  <- 0@1 rate x0.8
                | | | o  3@0-2  0.1400  founder
                *-'-'    0@0-1  0.5000  founder
                o        1@0-1  0.2500  founder
                o        2@0-1  diverged  founder
                """)
    }

    @Test func `survivors leave out what died out, and keep the way to the best`() throws {
        let history = try SimulatedRun(intervals: 12).history()
        func names(_ onlySurvivors: Bool) -> [String] {
            LineageGraph(history, onlySurvivors: onlySurvivors, glyphs: Glyphs(isASCII: true)).lanes.map(\.plain)
        }
        let (all, survivors) = (names(false), names(true))
        #expect(all.count == history.pieces.count)
        #expect(survivors.count < all.count)
        #expect(survivors.count { $0.contains("founder") } == history.families.foundersLeft)
        let best = try #require(history.best)
        #expect(
            survivors.count { $0.drop(while: { "|o '-".contains($0) }).first == "*" }
                == history.pieces(to: best.id).count)
    }

    @Test func `Graphviz gets a node for each piece and an edge for each parent`() {
        let history = HandMadeRun.small
        let dot = LineageGraph(history, onlySurvivors: false, glyphs: Glyphs(isASCII: false)).dot
        #expect(dot.hasPrefix("digraph lineage {\n"))
        #expect(dot.hasSuffix("}\n"))
        #expect(
            dot.split(separator: "\n").count { $0.contains("[label=") && !$0.contains("->") } == history.pieces.count)
        #expect(dot.split(separator: "\n").count { $0.contains("->") } == history.pieces.count { $0.parent != nil })
    }
}
