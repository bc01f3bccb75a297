// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTReport
import Testing

/// What stands out in a picture is the true ancestry, as it is known from how the run was made and not from the code that
/// draws it.
@Suite struct AncestryTests {
    /// A run made by chance, with the ancestry of every interval written down as the run is made.
    struct KnownRun {
        var run: HandMadeRun
        /// The whole ancestry of each interval, itself included, from the founder.
        var ancestry: [IntervalID: [IntervalID]] = [:]
        /// The hyperparameter along it.
        var rates: [IntervalID: [Double]] = [:]
        /// How often a donor went on after it was copied, a copy was copied, and a member began afresh.
        var donorsThatLivedOn = 0
        var copiesOfCopies = 0
        var restarts = 0

        init(seed: UInt64, members: Int = 9, intervals: Int = 14) {
            run = HandMadeRun("known", population: members, intervals: intervals)
            var random = SplitMix64(seed: seed)
            func below(_ count: Int) -> Int { Int(random.next() % UInt64(count)) }
            var copied: Set<IntervalID> = []
            for index in 0..<intervals {
                for member in 0..<members {
                    let id = IntervalID(member: member, index: index)
                    var parent = index == 0 ? nil : IntervalID(member: member, index: index - 1)
                    var rate = 0.001 + 0.9 * Double(below(1000)) / 1000
                    var isCopy = false
                    switch below(10) {
                    case 0 where index > 0:
                        parent = nil
                        restarts += 1
                    case 1...3 where index > 0:
                        // Any interval of another member that is done, not only its newest: a donor may be far ahead.
                        let donor = (member + 1 + below(members - 1)) % members
                        let copy = IntervalID(member: donor, index: max(0, index - 1 - below(3)))
                        parent = copy
                        isCopy = true
                        if ancestry[copy]?.contains(where: { $0.member != donor }) ?? false { copiesOfCopies += 1 }
                        copied.insert(copy)
                    default:
                        if let parent { rate = rates[parent]?.last ?? rate }
                    }
                    ancestry[id] = (parent.flatMap { ancestry[$0] } ?? []) + [id]
                    rates[id] = (parent.flatMap { rates[$0] } ?? []) + [rate]
                    run.add(
                        id, parent: parent, depth: ancestry[id]?.count ?? 1,
                        score: Double(below(10_000)) / 10_000, ["rate": .number(rate)],
                        changes: isCopy
                            ? [Change(name: "rate", old: 0, operation: "resampled", new: .number(rate))] : [])
                }
            }
            let lastIndex = intervals - 1
            donorsThatLivedOn = copied.count { donor in
                guard donor.index < lastIndex else { return false }
                return ancestry[IntervalID(member: donor.member, index: donor.index + 1)]?.dropLast().last == donor
            }
        }
    }

    private static let seeds: [UInt64] = [1, 2, 3, 5, 8, 13]

    @Test(arguments: seeds)
    func `the pieces to an interval are its true ancestry, whole and nothing else`(seed: UInt64) throws {
        let known = KnownRun(seed: seed)
        // What makes it hard happens.
        #expect(known.donorsThatLivedOn > 5 && known.copiesOfCopies > 3 && known.restarts > 3)
        let history = known.run.history()
        for (id, ancestry) in known.ancestry {
            let pieces = history.pieces(to: id)
            let whole = pieces.dropLast().flatMap { piece in
                piece.indices.map { IntervalID(member: piece.member, index: $0) }
            }
            let last = try #require(pieces.last)
            #expect(last.member == id.member && last.indices.contains(id.index))
            let tail = (last.indices.lowerBound...id.index).map { IntervalID(member: id.member, index: $0) }
            #expect(whole + tail == ancestry)
            // The same by the parents that a page's script is given.
            var path = [last.id]
            while let parent = path.last.flatMap({ history.pieceParents[$0] }) { path.append(parent) }
            #expect(path.reversed() == pieces.map(\.id))
        }
    }

    /// The points of a path's data, line by line.
    private func lines(_ data: String) -> [[(x: Double, y: Double)]] {
        data.split(separator: "M").map { line in
            line.split(separator: "L").map { point in
                let numbers = point.split(separator: " ").compactMap { Double($0) }
                return (numbers[0], numbers[1])
            }
        }
    }

    @Test(arguments: seeds)
    func `the schedule that stands out is a step function of training, with the true value at each step`(
        seed: UInt64
    ) throws {
        let known = KnownRun(seed: seed)
        let history = known.run.history()
        let deepest = try #require(known.ancestry.max { ($0.value.count, $0.key) < ($1.value.count, $1.key) })
        let rates = try #require(known.rates[deepest.key])
        let chart = Chart.schedule(of: history, options: Chart.Options(theme: .page, width: .wide, tip: deepest.key))
        let tips = Picture(chart).elements.filter { $0.attributes["class"] == "tip" && $0.name == "path" }
        try #require(tips.count == 1)
        let drawn = lines(tips[0].attributes["d"] ?? "")
        try #require(drawn.count == 1)
        let points = drawn[0]
        // It never goes back, and stands upright only where one value becomes another: single-valued.
        #expect(zip(points, points.dropFirst()).allSatisfy { $0.x <= $1.x && ($0.x == $1.x || $0.y == $1.y) })
        let (first, last) = (try #require(points.first), try #require(points.last))
        let step = (last.x - first.x) / Double(rates.count)
        let heights = rates.indices.map { place -> Double in
            let middle = first.x + (Double(place) + 0.5) * step
            let level = zip(points, points.dropFirst()).first { $0.x <= middle && $1.x >= middle && $0.y == $1.y }
            return level?.0.y ?? .nan
        }
        #expect(heights.allSatisfy { !$0.isNaN })
        for (a, b) in zip(rates.indices, rates.indices.dropFirst()) {
            // Greater values are higher up; coordinates have one decimal.
            if rates[a] == rates[b] { #expect(heights[a] == heights[b]) }
            if rates[a] > rates[b] { #expect(heights[a] <= heights[b]) }
            if rates[a] < rates[b] { #expect(heights[a] >= heights[b]) }
        }
        #expect(Set(heights).count > 1)
    }

    @Test(arguments: seeds)
    func `the lanes and curves that stand out pass over the true ancestry`(seed: UInt64) throws {
        let known = KnownRun(seed: seed)
        let history = known.run.history()
        let best = try #require(history.best)
        let ancestry = try #require(known.ancestry[best.id])
        let options = Chart.Options(theme: .page, width: .wide)
        let curve = Picture(Chart.curves(of: history, options: options)).elements
            .filter { $0.attributes["class"] == "tip" }
        try #require(curve.count == 1)
        // A point for each interval of the ancestry, in its order, as high as its score.
        let points = lines(curve[0].attributes["d"] ?? "").flatMap { $0 }
        try #require(points.count == ancestry.count)
        #expect(zip(points, points.dropFirst()).allSatisfy { $0.x < $1.x })
        let scores = try ancestry.map { try #require(history.genealogy[$0]?.score) }
        for (a, b) in zip(scores.indices, scores.indices.dropFirst()) where scores[a] != scores[b] {
            #expect((points[a].y - points[b].y).sign == (scores[b] - scores[a]).sign)
        }
        let lane = Picture(Chart.lineage(of: history, options: options)).elements
            .filter { $0.attributes["class"] == "tip" }
        let data = lane.compactMap { $0.attributes["d"] }.joined()
        let copies = zip(ancestry, ancestry.dropFirst()).count { $0.member != $1.member }
        #expect(data.count { $0 == "C" } == copies)
    }
}
