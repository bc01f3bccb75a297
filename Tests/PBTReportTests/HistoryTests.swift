// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTReport
import Testing

@Suite struct HistoryTests {
    private func id(_ text: String) throws -> IntervalID {
        try #require(IntervalID(text))
    }

    @Test func `of a donor that lives on, only what came before the copy is an ancestor`() throws {
        let history = HandMadeRun.donorLivesOn.history()
        #expect(try history.lineage(of: id("1@5")).map(\.id.description) == ["0@0", "0@1", "0@2", "1@3", "1@4", "1@5"])
        #expect(try history.pieces(to: id("1@5")).map(\.description) == ["0.0/0", "1.1/0"])
        #expect(try history.pieces(to: id("0@5")).map(\.description) == ["0.0/0", "0.0/1"])
        #expect(history.pieces.map(\.indices) == [0...2, 3...5, 0...2, 3...5])
        #expect(history.pieces.map(\.isCopy) == [false, false, false, true])
    }

    @Test func `a schedule has one entry for each interval of training`() throws {
        let schedule = try HandMadeRun.donorLivesOn.history().schedule(of: id("1@5"))
        #expect(schedule.map(\.interval) == [0, 1, 2, 3, 4, 5])
        #expect(schedule.map { $0.hyperparameters["rate"]?.double } == [0.1, 0.1, 0.1, 0.08, 0.08, 0.08])
    }

    @Test func `what is not there has no lineage, no schedule and no pieces`() {
        let history = HandMadeRun.donorLivesOn.history()
        let absent = IntervalID(member: 9, index: 0)
        #expect(history.lineage(of: absent).isEmpty)
        #expect(history.schedule(of: absent).isEmpty)
        #expect(history.pieces(to: absent).isEmpty)
    }

    @Test func `a parent that is missing, or not older, ends a lineage`() throws {
        var run = HandMadeRun(population: 2, intervals: 2)
        let (a, b) = (IntervalID(member: 0, index: 0), IntervalID(member: 1, index: 0))
        run.add(a, parent: b, depth: 1, score: 1)
        run.add(b, parent: a, depth: 1, score: 1)
        run.add(IntervalID(member: 0, index: 1), parent: IntervalID(member: 7, index: 7), depth: 8, score: 1)
        #expect(try run.history().lineage(of: id("0@1")).count == 1)
        #expect(run.history().lineage(of: a).count == 1)
    }

    @Test(arguments: [true, false])
    func `a path of pieces is exactly the ancestry, for every piece of a run`(isSynchronous: Bool) throws {
        let history = try SimulatedRun(population: 16, intervals: 24, isSynchronous: isSynchronous).history()
        #expect(history.copies > 40)
        let intervals = history.genealogy.intervals
        for piece in history.pieces {
            let tip = IntervalID(member: piece.member, index: piece.indices.upperBound)
            let ofPieces = history.pieces(to: tip).flatMap { piece in
                piece.indices.map { IntervalID(member: piece.member, index: $0) }
            }
            #expect(history.lineage(of: tip).map(\.id) == ofPieces)
        }
        #expect(history.pieces.map(\.indices.count).reduce(0, +) == intervals.count)
    }

    @Test(arguments: [true, false])
    func `along every lineage, training grows by one interval a step`(isSynchronous: Bool) throws {
        let history = try SimulatedRun(population: 16, intervals: 24, isSynchronous: isSynchronous).history()
        for interval in history.genealogy.intervals {
            let lineage = history.lineage(of: interval.id)
            #expect(lineage.map(\.depth) == Array(1...interval.depth))
            #expect(lineage.first?.parent == nil)
        }
    }

    @Test func `of equal best scores the one with more training wins, then the later, unless the record has another`()
        throws
    {
        var run = HandMadeRun(objective: .minimize("loss"), population: 3, intervals: 2)
        run.add(try id("0@0"), parent: nil, score: 0.5)
        run.add(try id("1@0"), parent: nil, score: 0.25)
        run.add(try id("2@0"), parent: nil, score: 0.25)
        #expect(try run.history().best?.id == id("2@0"))
        run.add(try id("0@1"), parent: try id("0@0"), score: 0.25)
        let deep = try id("0@1")
        #expect(run.history().best?.id == deep)
        run.add(try id("2@1"), parent: nil, score: 0.25)
        #expect(run.history().best?.id == deep)
        #expect(run.history(baseline: run.intervals).baselineBest?.id == deep)
        // Recorded by a version that preferred the first, whose checkpoint is kept.
        var record = run.history().record
        record.best = try id("1@0")
        #expect(try History(record, intervals: run.intervals).best?.id == id("1@0"))
        // Not the best any longer: the record was read before the intervals.
        record.best = try id("0@0")
        #expect(History(record, intervals: run.intervals).best?.id == deep)
        var onlyDiverged = HandMadeRun(population: 1, intervals: 1)
        onlyDiverged.add(IntervalID(member: 0, index: 0), parent: nil, score: .infinity)
        #expect(onlyDiverged.history().best == nil)
    }

    @Test func `the best so far only gets better, and what it is a function of only grows`() throws {
        let history = try SimulatedRun(isSynchronous: false).history()
        for progress in [History.Progress.finished, .index, .depth] {
            let improvements = history.bestSoFar(by: progress)
            #expect(zip(improvements, improvements.dropFirst()).allSatisfy { $0.score < $1.score && $0.at <= $1.at })
            #expect(improvements.last?.score == history.best?.score)
            #expect(!history.baselineBestSoFar(by: progress).isEmpty)
        }
        let byIndex = HandMadeRun.small.bestSoFar(by: .index)
        #expect(byIndex.map(\.at) == [0, 1, 2, 3, 4])
        #expect(byIndex.map(\.score) == [0.30, 0.50, 0.62, 0.72, 0.80])
        #expect(HandMadeRun.small.bestSoFar(by: .finished).map(\.at) == [1, 5, 9, 13, 14, 17, 18])
    }

    @Test func `families part at the greatest depth with at most six ancestors`() throws {
        let history = try SimulatedRun(population: 20, intervals: 30).history()
        let families = history.families
        let depth = try #require(families.depth)
        let lineages = families.population.map { history.lineage(of: $0) }
        func ancestors(at depth: Int) -> Set<IntervalID> {
            Set(lineages.map { $0[min(depth, $0.count) - 1].id })
        }
        #expect(Set(families.ancestors) == ancestors(at: depth))
        #expect(ancestors(at: depth).count <= 6)
        #expect(ancestors(at: depth + 1).count > 6)
        #expect(families.foundersLeft == ancestors(at: 1).count)
        let sizes = families.ancestors.map { ancestor in lineages.count { $0.contains { $0.id == ancestor } } }
        #expect(sizes == sizes.sorted(by: >))
    }

    @Test func `with more than six founders left there are no families`() throws {
        let history = try SimulatedRun(population: 20, intervals: 5, exploit: .none).history()
        #expect(history.families.depth == nil)
        #expect(history.families.ancestors.isEmpty)
        #expect(history.families.foundersLeft == history.families.population.count)
    }
}
