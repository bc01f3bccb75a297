// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTReport
import Testing

@Suite struct ShareTests {
    @Test func `the effective number of founders is that of equal shares that are as diverse`() {
        // Member 1 took over member 0: one founder has both.
        let one = Chart.share(of: HandMadeRun.donorLivesOn.history())
        #expect(Picture(one).texts.contains("by hand: effective number of founders 1.0 of 2"))
        #expect(
            one.summary
                == "In by hand, of 2 founders, 1 has descendants today: 2 of 2 members from founder 0. The effective "
                + "number of founders, the number of equal shares that would be as diverse, is 1.0.")
        // Three of four members descend from one founder, one is itself one: exp(0.75 ln(4/3) + 0.25 ln 4) = 1.7548.
        var run = HandMadeRun(population: 4, intervals: 2)
        for member in 0..<4 { run.add(IntervalID(member: member, index: 0), parent: nil, score: 0.1) }
        for member in 0..<4 {
            run.add(
                IntervalID(member: member, index: 1), parent: IntervalID(member: member == 3 ? 3 : 0, index: 0),
                score: 0.2)
        }
        let history = run.history()
        #expect(Picture(Chart.share(of: history)).texts.contains("by hand: effective number of founders 1.8 of 4"))
        let table = ChartTable.share(of: history)
        #expect(
            table.columns.map(\.title)
                == ["Intervals", "Effective founders", "Founder 0", "Founder 3", "Founder 1", "Founder 2"])
        #expect(table.rows == [["1", "4.00", "1", "1", "1", "1"], ["2", "1.75", "3", "1", "0", "0"]])
    }

    @Test(arguments: [true, false])
    func `the shares of a population are those that its true ancestry gives`(isSynchronous: Bool) throws {
        let history = try SimulatedRun(population: 5, intervals: 12, isSynchronous: isSynchronous).history()
        let table = ChartTable.share(of: history)
        let founders = table.columns.dropFirst(2).map(\.title)
        for row in table.rows {
            let index = try #require(Int(row[0])) - 1
            var counts: [String: Int] = [:]
            for member in 0..<5 {
                let own = history.genealogy.intervals.filter {
                    $0.id.member == member && $0.id.index <= index && $0.state == .done
                }
                guard let newest = own.max(by: { $0.id.index < $1.id.index }),
                    let founder = history.lineage(of: newest.id).first
                else { continue }
                // A member that began afresh is a founder once more, by another name.
                let life = history.pieces.first {
                    $0.member == founder.id.member && $0.indices.contains(founder.id.index)
                }
                let name = life.map { $0.life == 0 ? "\($0.member)" : "\($0.member).\($0.life)" }
                counts["founder \(name ?? "?")", default: 0] += 1
            }
            for (founder, cell) in zip(founders, row.dropFirst(2)) where founder.hasPrefix("founder") {
                #expect(Int(cell) == counts[founder] ?? 0, "\(founder) at \(index)")
            }
        }
    }

    @Test(arguments: [
        ("no interval", HandMadeRun(population: 4, intervals: 3), "No interval has finished with a score yet."),
        ("one member", oneMember, "There is one member, so there is nothing to share."),
        (
            "no copy", noCopy, "No member has been replaced yet, so each of the 2 founders has its own share."
        ),
    ])
    func `where there is too little to see, one line says why, and there is no axis`(
        name: String, run: HandMadeRun, message: String
    ) {
        let picture = Picture(Chart.share(of: run.history(), options: Chart.Options(width: .wide)))
        #expect(picture.texts.contains(message), "\(name): \(picture.texts)")
        #expect(!picture.elements.contains { $0.name == "path" })
    }

    private static let oneMember: HandMadeRun = {
        var run = HandMadeRun(population: 1, intervals: 1)
        run.add(IntervalID(member: 0, index: 0), parent: nil, score: 1)
        return run
    }()

    private static let noCopy: HandMadeRun = {
        var run = HandMadeRun(population: 2, intervals: 1)
        for member in 0..<2 { run.add(IntervalID(member: member, index: 0), parent: nil, score: 1) }
        return run
    }()

    @Test(arguments: [Chart.Color.family, .founder])
    func `areas lie on each other without a gap, from nothing to all`(color: Chart.Color) throws {
        let history = try SimulatedRun(population: 20, intervals: 30).history()
        let picture = Picture(Chart.share(of: history, options: Chart.Options(color: color)))
        let areas = picture.elements.filter { $0.attributes["d"]?.hasSuffix("Z") ?? false }
            .compactMap { $0.attributes["d"] }.map { data in
                data.dropLast().split { "ML".contains($0) }.map { $0.split(separator: " ").compactMap { Double($0) } }
            }
        try #require(areas.count > 2)
        for (below, above) in zip(areas, areas.dropFirst()) {
            let half = below.count / 2
            // The upper edge of one is the lower edge of the next, which runs back.
            #expect(Array(below[..<half]) == Array(above[half...].reversed()))
        }
        let heights = areas.flatMap { $0.map { $0[1] } }
        let last = try #require(areas.last)
        #expect(Set(last[..<(last.count / 2)].map { $0[1] }) == [heights.min()])
    }
}
