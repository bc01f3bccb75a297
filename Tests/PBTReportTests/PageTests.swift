// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTReport
import Testing

@Suite struct PageTests {
    private static let overview: [Kind] = [.curves, .schedule, .lineage, .share, .scatter]

    private func page(_ width: Chart.Width = .medium, tip: IntervalID? = nil) -> Chart.Options {
        Chart.Options(theme: .page, width: width, tip: tip)
    }

    @Test(arguments: [Chart.Theme.light, .dark])
    func `every variable that a picture asks for is declared, once`(theme: Chart.Theme) throws {
        let declarations = Chart.cssVariables(theme).split(separator: ";").map { $0.split(separator: ":") }
        #expect(declarations.allSatisfy { $0.count == 2 && $0[0].hasPrefix("--") })
        let names = declarations.map { String($0[0]) }
        #expect(Set(names).count == names.count)
        #expect(
            Set(names).isSuperset(
                of: [
                    "--surface", "--ink", "--muted", "--grid", "--axis", "--extinct", "--trunk", "--best", "--baseline",
                    "--band", "--f0", "--f5",
                ]))
        for history in [HandMadeRun.small, HandMadeRun.large(members: 30, intervals: 12)] {
            for kind in Kind.allCases {
                let svg = kind.chart(history, page()).svg
                for asked in svg.split(separator: "var(").dropFirst() {
                    let name = asked.prefix { $0 != ")" }
                    #expect(names.contains(String(name)), "\(kind) asks for \(name)")
                }
            }
        }
        #expect(Chart.cssVariables(.page).isEmpty)
    }

    @Test func `the colors of the two themes have the same names`() {
        func names(_ theme: Chart.Theme) -> [Substring] {
            Chart.cssVariables(theme).split(separator: ";").compactMap { $0.split(separator: ":").first }
        }
        #expect(names(.light) == names(.dark))
        #expect(Chart.cssVariables(.light) != Chart.cssVariables(.dark))
        #expect(Chart.cssVariables(.light).hasPrefix("--surface:#ffffff;--ink:#1c1e21;"))
    }

    @Test(arguments: [Kind.curves, .schedule, .lineage])
    func `on a page each piece is one element with its number, and the lineage that stands out is marked`(
        kind: Kind
    ) throws {
        let history = HandMadeRun.small
        let picture = Picture(kind.chart(history, page()))
        #expect(picture.lines(dashed: false).sorted() == history.pieces.map(\.id))
        let tips = picture.elements.filter { $0.attributes["class"] == "tip" }
        #expect(!tips.isEmpty && tips.allSatisfy { $0.attributes["stroke-width"] == "3" })
        #expect(tips.allSatisfy { $0.attributes["stroke"] == "var(--best)" })
        let other = try #require(IntervalID("0@4"))
        let chosen = Picture(kind.chart(history, page(tip: other)))
        #expect(
            chosen.elements.filter { $0.attributes["class"] == "tip" }
                .allSatisfy { $0.attributes["stroke"] == "var(--ink)" })
    }

    @Test func `a copy's drop and ring light up with the piece that it begins`() {
        let history = HandMadeRun.small
        let copies = history.pieces.filter(\.isCopy).map(\.id)
        // What stood nowhere before does not drop.
        let drops = copies.filter {
            history.genealogy.intervals[history.pieces[$0].places.lowerBound - 1].state == .done
        }
        #expect(!drops.isEmpty && drops.count < copies.count)
        let picture = Picture(Chart.curves(of: history, options: page()))
        #expect(picture.lines(dashed: true).sorted() == drops)
        let rings = picture.elements.filter { $0.name == "circle" }.compactMap { $0.attributes["data-p"] }
        #expect(rings.compactMap { Int($0) }.sorted() == copies)
        // In a file nothing lights up.
        #expect(Picture(Chart.curves(of: history, options: Chart.Options())).pieces.isEmpty)
    }

    @Test func `a dot of a scatter belongs to the first piece of its life`() {
        let history = HandMadeRun.small
        let picture = Picture(Chart.scatter(of: history, options: page()))
        #expect(history.pieces.contains { $0.part > 0 })
        #expect(picture.pieces.sorted() == history.pieces.filter { $0.part == 0 }.map(\.id))
    }

    @Test func `where the upright axis is the score, a dot belongs to its own piece`() {
        let history = HandMadeRun.donorLivesOn.history()
        let picture = Picture(Chart.scatter(of: history, options: page()))
        // Each of the four pieces has three intervals; those of one have the same score, so that it is one dot.
        #expect(picture.pieces.sorted() == [0, 0, 0, 1, 1, 1, 2, 3, 3, 3])
    }

    @Test func `the parents of pieces lead from every piece to a founder`() throws {
        let history = try SimulatedRun(population: 16, intervals: 24, isSynchronous: false).history()
        let parents = history.pieceParents
        #expect(parents.count == history.pieces.count)
        for piece in history.pieces {
            var path = [piece.id]
            while let parent = path.last.flatMap({ parents[$0] }) { path.append(parent) }
            let tip = IntervalID(member: piece.member, index: piece.indices.upperBound)
            #expect(path.reversed() == history.pieces(to: tip).map(\.id))
        }
    }

    @Test(arguments: [true, false])
    func `pieces that are elements of their own leave no hole in an ancestry`(isSynchronous: Bool) throws {
        let history = try SimulatedRun(population: 20, intervals: 40, isSynchronous: isSynchronous).history()
        #expect(history.pieces.count > 200)
        for kind in [Kind.curves, .schedule, .lineage] {
            let drawn = Set(Picture(kind.chart(history, page())).pieces)
            // The curve of a piece whose scores are no numbers has no points.
            let all = Set(
                history.pieces.filter { piece in
                    history.genealogy.intervals[piece.places].contains { $0.state == .done }
                }.map(\.id))
            for piece in drawn {
                var current = history.pieceParents[piece]
                while let parent = current {
                    #expect(drawn.contains(parent) || !all.contains(parent))
                    current = history.pieceParents[parent]
                }
            }
            for member in history.families.population {
                for piece in history.pieces(to: member) where all.contains(piece.id) {
                    #expect(drawn.contains(piece.id), "\(kind) lacks \(piece)")
                }
            }
        }
    }

    @Test(arguments: [true, false])
    func `a page of 20 members and 40 intervals has at most 1150 elements in its pictures`(isSynchronous: Bool) throws {
        let history = try SimulatedRun(population: 20, intervals: 40, isSynchronous: isSynchronous).history()
        let marks = Self.overview.map { $0.chart(history, page()).marks }
        print("page of 20 × 40: \(zip(Self.overview, marks).map { "\($0) \($1)" })")
        #expect(marks.reduce(0, +) <= 1150)
    }

    @Test func `a page of 200 members and 400 intervals has at most 5000 elements in its pictures`() {
        let history = HandMadeRun.large(members: 200, intervals: 400)
        let marks = Self.overview.map { $0.chart(history, page(.wide)).marks }
        print("page of 200 × 400: \(zip(Self.overview, marks).map { "\($0) \($1)" })")
        #expect(marks.reduce(0, +) <= 5000)
    }
}
