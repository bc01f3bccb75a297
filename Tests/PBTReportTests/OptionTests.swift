// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTReport
import Testing

@Suite struct OptionTests {
    private static let colors: [Chart.Color] = [
        .family, .founder, .score, .hyperparameter("learning_rate"), .hyperparameter("activation"),
        .hyperparameter("no such thing"),
    ]

    private func stroked(_ picture: Picture) -> [String: Int] {
        picture.elements.reduce(into: [:]) { counts, element in
            if element.name == "path", let stroke = element.attributes["stroke"] { counts[stroke, default: 0] += 1 }
        }
    }

    @Test(arguments: colors.indices, [Kind.curves, .lineage])
    func `every coloring is a sound picture whose legend says what it means`(place: Int, kind: Kind) throws {
        let color = Self.colors[place]
        let history = try SimulatedRun().history()
        for theme in Chart.Theme.allCases {
            let picture = Picture(kind.chart(history, Chart.Options(theme: theme, color: color)))
            #expect(picture.complaint == nil)
            let texts = picture.texts
            switch color {
            case .family: #expect(texts.contains { $0.hasPrefix("Families since interval") || $0 == "Extinct lineage" })
            case .founder: #expect(texts.contains { $0.hasPrefix("Founder ") } && texts.contains("6 others"))
            case .score: #expect(texts.contains("Last score, by quintile: worst to best"))
            case .hyperparameter("learning_rate"):
                #expect(texts.contains { $0.hasPrefix("learning_rate ") && $0.contains(" to ") })
            case .hyperparameter("activation"):
                #expect(texts.filter { $0.hasPrefix("activation ") }.count == 3)
            case .hyperparameter: #expect(texts.contains("no such thing is constant"))
            }
        }
    }

    @Test func `colored by founder, every line has the color of the founder that it descends from`() throws {
        let history = HandMadeRun.small
        let picture = Picture(Chart.lineage(of: history, options: Chart.Options(theme: .page, color: .founder)))
        // Paths are inside of groups that have the color; both are in the order of the document.
        var color = ""
        var colors: [Int: String] = [:]
        for element in picture.elements {
            if element.name == "g" { color = element.attributes["stroke"] ?? "" }
            if let piece = element.attributes["data-p"].flatMap({ Int($0) }) { colors[piece] = color }
        }
        #expect(colors.count == history.pieces.count)
        for piece in history.pieces {
            let tip = IntervalID(member: piece.member, index: piece.indices.upperBound)
            let founder = try #require(history.pieces(to: tip).first)
            #expect(colors[piece.id] == colors[founder.id])
        }
        #expect(Set(colors.values).count == 4)
    }

    @Test func `colored by score, better lines are further along the ramp`() {
        let history = HandMadeRun.small
        let picture = Picture(Chart.lineage(of: history, options: Chart.Options(theme: .page, color: .score)))
        var color = ""
        var steps: [Int: Int] = [:]
        for element in picture.elements {
            if element.name == "g" { color = element.attributes["stroke"] ?? "" }
            guard let piece = element.attributes["data-p"].flatMap({ Int($0) }), color.hasPrefix("var(--r") else {
                continue
            }
            steps[piece] = Int(color.dropFirst(7).prefix(1))
        }
        func score(_ piece: Piece) -> Double {
            let scores = history.genealogy.intervals[piece.places].filter { $0.state == .done }.compactMap(\.score)
            return scores.last ?? .nan
        }
        for a in history.pieces {
            for b in history.pieces where score(a) < score(b) {
                #expect((steps[a.id] ?? -1) <= (steps[b.id] ?? -1))
            }
        }
        #expect(Set(steps.values) == [0, 1, 2, 3, 4])
    }

    @Test(arguments: [Kind.curves, .schedule, .lineage])
    func `only the best members' lines are shown when that is asked for, and the picture says so`(kind: Kind) throws {
        let history = try SimulatedRun(population: 12).history()
        let newest = history.families.population.sorted {
            let (a, b) = (history.genealogy[$0]?.score ?? 0, history.genealogy[$1]?.score ?? 0)
            return a == b ? $0.member < $1.member : a > b
        }
        let best = Set(newest.prefix(3).map(\.member))
        let picture = Picture(kind.chart(history, Chart.Options(theme: .page, top: 3)))
        #expect(Set(picture.pieces.map { history.pieces[$0].member }).isSubset(of: best))
        #expect(!picture.pieces.isEmpty)
        #expect(picture.texts.contains { $0.contains("top 3 of 12") || $0.contains("3 of 12 members") })
        let all = Picture(kind.chart(history, Chart.Options(theme: .page, top: 12)))
        #expect(!all.texts.contains { $0.contains("showing") })
        #expect(Set(all.pieces.map { history.pieces[$0].member }).count == 12)
    }

    @Test func `above a band, the best members' lines can be shown`() {
        let history = HandMadeRun.large(members: 30, intervals: 12)
        let plain = Picture(Chart.curves(of: history, options: Chart.Options(theme: .page)))
        #expect(plain.pieces.isEmpty)
        let lines = Picture(Chart.curves(of: history, options: Chart.Options(theme: .page, top: 8)))
        #expect(Set(lines.pieces.map { history.pieces[$0].member }).count == 8)
        #expect(lines.texts.contains("Showing the top 8 of 30"))
    }

    @Test func `survivors are what today's population descends from, and the path is the ancestry of the best`() throws
    {
        let history = try SimulatedRun(population: 14, intervals: 24).history()
        func pieces(_ lanes: Chart.Lanes) -> Set<Int> {
            Set(Picture(Chart.lineage(of: history, options: Chart.Options(theme: .page, lanes: lanes))).pieces)
        }
        let best = try #require(history.best)
        let path = Set(history.pieces(to: best.id).map(\.id))
        let survivors = Set(history.families.population.flatMap { history.pieces(to: $0) }.map(\.id)).union(path)
        #expect(pieces(.path) == path)
        #expect(pieces(.survivors) == survivors)
        #expect(pieces(.all).isSuperset(of: survivors) && pieces(.all).count > survivors.count)
    }

    @Test func `of more than 30 members the survivors are shown, unless all are asked for`() throws {
        let history = try SimulatedRun(population: 40, intervals: 12).history()
        func texts(_ lanes: Chart.Lanes?) -> [String] {
            Picture(Chart.lineage(of: history, options: Chart.Options(lanes: lanes))).texts
        }
        #expect(texts(nil) == texts(.survivors))
        #expect(texts(.survivors).contains { $0.hasPrefix("Surviving lineages only") })
        #expect(texts(.all).contains("Showing 30 of 40 members"))
        #expect(texts(.path).contains("This lineage only"))
    }

    @Test func `rows can stand together by family`() throws {
        let history = try SimulatedRun(population: 14, intervals: 24).history()
        #expect(history.families.ancestors.count > 1)
        let picture = Picture(Chart.lineage(of: history, options: Chart.Options(order: .family)))
        let rows = picture.elements.filter { $0.name == "text" && $0.attributes["font-size"] == "10" }
            .compactMap { Int($0.text) }
        #expect(rows.sorted() == Array(0..<14) && rows != Array(0..<14))
        let ancestors = history.families.ancestors
        let families = rows.map { member in
            let tip = history.families.population.first { $0.member == member }
            let lineage = Set(tip.map { history.lineage(of: $0).map(\.id) } ?? [])
            return ancestors.firstIndex { lineage.contains($0) } ?? ancestors.count
        }
        #expect(families == families.sorted())
    }

    @Test(arguments: [Kind.curves, .schedule, .overview], Chart.Width.allCases)
    func `over time, the axis says when, and everything finishes within it`(kind: Kind, width: Chart.Width) throws {
        let history = try SimulatedRun(isSynchronous: false).history()
        let chart = kind.chart(history, Chart.Options(width: width, axis: .time))
        let picture = Picture(chart)
        #expect(picture.complaint == nil && picture.longestPath <= 300)
        #expect(picture.texts.contains("Time since the first start"))
        #expect(!picture.texts.contains("Training intervals (lineage depth)"))
        // 240 intervals of about a second on three workers.
        #expect(picture.texts.contains("1m") && picture.texts.contains("0"))
        let many = Picture(
            kind.chart(
                HandMadeRun.large(members: 30, intervals: 12).trained(by: ["a", "b"]),
                Chart.Options(width: width, axis: .time)))
        #expect(many.complaint == nil && many.longestPath <= 300)
    }

    @Test(arguments: [Kind.curves, .schedule])
    func `a run that says nothing of time has no axis of time`(kind: Kind) {
        let texts = Picture(kind.chart(HandMadeRun.small, Chart.Options(axis: .time))).texts
        #expect(texts.contains("No interval has a recorded finish time."))
        #expect(!texts.contains("Time since the first start"))
    }
}
