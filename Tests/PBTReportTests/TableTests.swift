// SPDX-License-Identifier: Apache-2.0

import Foundation
import PBT
import PBTReport
import Testing

#if canImport(FoundationXML)
    import FoundationXML
#endif

@Suite struct TableTests {
    private static let tables: [(name: String, table: @Sendable (History) -> ChartTable)] = [
        ("curves", { .curves(of: $0) }), ("schedule", { .schedule(of: $0) }), ("lineage", { .lineage(of: $0) }),
        ("scatter", { .scatter(of: $0) }), ("timeline", { .timeline(of: $0) }), ("share", { .share(of: $0) }),
        ("scores", { .scores(of: $0) }), ("diversity", { .diversity(of: $0) }), ("operators", { .operators(of: $0) }),
        ("comparison", { .comparison(of: [$0]) }),
    ]

    private func check(_ table: ChartTable, _ comment: Comment) {
        #expect(!table.caption.isEmpty && !table.columns.isEmpty, comment)
        #expect(table.rows.allSatisfy { $0.count == table.columns.count }, comment)
        #expect(table.rows.count <= ChartTable.mostRows, comment)
        #expect(!table.rows.isEmpty || table.note != nil, comment)
        #expect(XMLParser(data: Data(table.html.utf8)).parse(), comment)
        #expect(!table.text().unicodeScalars.contains { $0.value < 0x20 && $0 != "\n" }, comment)
        #expect(!table.html.contains("<script"), comment)
    }

    @Test(arguments: tables.indices, ChartTests.odd.indices)
    func `odd runs have sound tables`(place: Int, odd: Int) throws {
        let (name, table) = Self.tables[place]
        check(table(try ChartTests.odd[odd].1()), "\(name) of \(ChartTests.odd[odd].0)")
    }

    @Test(arguments: tables.indices)
    func `hostile names are text in tables`(place: Int) throws {
        let name = ChartTests.hostile + String(repeating: "x", count: 500)
        let run = SimulatedRun(
            name: name, objective: .maximize(name),
            space: [name: .choice([.string(name), .string("]]>"), .string("&amp;")]), "b": .logUniform(1e-3...1)])
        check(Self.tables[place].table(try run.history()), "\(Self.tables[place].name)")
    }

    @Test func `a long table is cut, and says so`() {
        let table = ChartTable("long", columns: [.init("n")], rows: (0..<501).map { ["\($0)"] }, note: "more to say")
        #expect(table.rows.count == 500 && table.rows.last == ["499"])
        #expect(table.note == "showing the first 500 of 501 rows; more to say")
        #expect(ChartTable("short", columns: [.init("n")], rows: [["1"]]).note == nil)
    }

    @Test func `a table reads in a terminal and on a page`() {
        let table = ChartTable(
            "A & B", columns: [.init("name", .left), .init("score")], rows: [["<b>", "0.5"], ["c"]], note: "two rows")
        #expect(
            table.text() == """
                A & B
                name  score
                <b>     0.5
                c
                two rows

                """)
        #expect(
            table.html == """
                <table><caption>A &amp; B (two rows)</caption>\
                <thead><tr><th scope="col">name</th><th scope="col" class="number">score</th></tr></thead>\
                <tbody><tr><td>&lt;b&gt;</td><td class="number">0.5</td></tr>\
                <tr><td>c</td><td class="number"></td></tr></tbody></table>
                """)
    }

    @Test func `what explore did is counted by change, with how often it beat the donor`() {
        // Three copies, two of which changed the rate by ×0.8, one of which was drawn anew; see the run.
        let table = ChartTable.operators(of: HandMadeRun.small)
        #expect(
            table.rows == [
                ["all", "copy", "3", "0", "3", "3", "100 %"], ["rate", "resampled", "1", "0", "1", "1", "100 %"],
                ["rate", "×0.8", "2", "0", "2", "2", "100 %"], ["kind", "kept", "3", "0", "3", "3", "100 %"],
            ])
    }

    @Test func `a change that ends at a bound, a worse score, and a divergence are counted as such`() {
        var run = HandMadeRun(population: 4, intervals: 2, space: ["rate": .logUniform(0.01...1)])
        for member in 0..<4 { run.add(IntervalID(member: member, index: 0), parent: nil, score: 0.5) }
        for (member, score) in [(1, 0.6), (2, 0.4), (3, .nan)] {
            run.add(
                IntervalID(member: member, index: 1), parent: IntervalID(member: 0, index: 0), score: score,
                ["rate": 1], changes: [Change(name: "rate", old: 0.9, operation: "×1.25", new: 1)])
        }
        #expect(
            ChartTable.operators(of: run.history()).rows == [
                ["all", "copy", "3", "0", "1", "3", "33 %"], ["rate", "×1.25", "3", "3", "1", "3", "33 %"],
            ])
    }

    @Test func `scores by training are quantiles from worse to better`() {
        var run = HandMadeRun(objective: .minimize("loss"), population: 11, intervals: 1)
        for member in 0..<11 { run.add(IntervalID(member: member, index: 0), parent: nil, score: Double(member)) }
        let table = ChartTable.scores(of: run.history())
        #expect(table.columns.map(\.title) == ["Training", "Intervals", "Best so far", "Best", "Median", "P10", "P90"])
        // The least is best: nine tenths are below 9.
        #expect(table.rows == [["1", "11", "0", "0", "5", "9", "1"]])
    }

    @Test func `diversity is the range of the middle half, a factor on a logarithmic scale`() {
        var run = HandMadeRun(
            population: 5, intervals: 1,
            space: ["a": .logUniform(1e-4...1), "b": .uniform(0...10), "c": .choice(["x", "y"])])
        for (member, rate) in [1e-4, 1e-3, 1e-2, 1e-1, 1].enumerated() {
            run.add(
                IntervalID(member: member, index: 0), parent: nil, score: 1,
                ["a": .number(rate), "b": .number(Double(member)), "c": member < 4 ? "x" : "y"])
        }
        let table = ChartTable.diversity(of: run.history())
        #expect(
            table.columns.map(\.title) == [
                "Intervals", "Members", "Effective founders", "Quartile ratio of a", "IQR of b",
                "Effective values of c",
            ])
        // exp(-0.8 ln 0.8 - 0.2 ln 0.2) = 1.6493
        #expect(table.rows == [["1", "5", "5.00", "×100", "2.00", "1.65"]])
    }

    @Test func `the tables of curves, schedule and lineage say what the pictures show`() {
        let history = HandMadeRun.small
        #expect(ChartTable.curves(of: history).rows.count == 20)
        #expect(ChartTable.curves(of: history).rows[0] == ["1", "0", "0", "0.3000", "done", "founder", "-"])
        let schedule = ChartTable.schedule(of: history)
        #expect(schedule.columns.map(\.title) == ["Interval", "Trained as", "accuracy", "rate", "kind", "Changed"])
        #expect(schedule.rows.map { $0[1] } == ["0@0", "0@1", "1@2", "1@3", "1@4"])
        #expect(schedule.rows[2] == ["2", "1@2", "0.6000", "0.08", "relu", "copy; rate ×0.8"])
        #expect(
            ChartTable.lineage(of: history).rows.map { Array($0.prefix(5)) } == [
                ["2", "1", "0.2500", "0@1", "0.5000"], ["2", "2", "-", "0@1", "0.5000"],
                ["3", "3", "0.1400", "1@2", "0.6000"],
            ])
    }
}
