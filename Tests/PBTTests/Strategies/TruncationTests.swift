// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTTesting
import Testing

@Suite("Truncation") struct TruncationTests {
    private static let table: [(fraction: Double, counts: [Int])] = [
        (0.10, [0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2]),
        (0.20, [0, 1, 1, 1, 1, 2, 2, 2, 2, 2, 3, 3]),
        (0.25, [0, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3]),
        (0.50, [0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6]),
    ]

    @Test(arguments: table)
    func `a fraction of 1 to 12 members is as many as the table says`(fraction: Double, counts: [Int]) {
        #expect((1...12).map { ExploitRule.count(of: fraction, among: $0) } == counts)
    }

    @Test func `bottom and top never overlap, are never everybody, and are at least one of two`() {
        var fractions = (1...500).map { Double($0) / 1000 }
        fractions += [1e-300, 1e-12, 1e-9, 1.0 / 3, 0.5.nextDown]
        for count in 0...64 {
            for fraction in fractions {
                let n = ExploitRule.count(of: fraction, among: count)
                #expect(n >= (count >= 2 ? 1 : 0) && 2 * n <= count, "\(n) of \(count) for \(fraction)")
            }
            #expect(ExploitRule.count(of: 0, among: count) == 0)
        }
    }

    @Test func `a fraction is rounded up, and binary fractions do not push it over`() {
        for count in 2...1000 {
            for tenths in 1...4 {
                let exact = (count * tenths + 9) / 10
                #expect(ExploitRule.count(of: Double(tenths) / 10, among: count) == min(exact, count / 2))
            }
        }
    }

    @Test(arguments: [2, 3, 5, 8, 10, 20], [0.1, 0.2, 0.25, 0.5])
    func `the bottom takes over the top, and nobody else moves`(count: Int, fraction: Double) throws {
        let experiment = Experiment.sample(population: count, exploit: .truncation(fraction))
        let n = ExploitRule.count(of: fraction, among: count)
        // Distinct scores in no particular order.
        let scores = (0..<count).map { member in Double((member * 29 + 7) % 31) }
        let order = scores.indices.sorted { scores[$0] > scores[$1] }
        for decision in try experiment.decisions(scores: scores) {
            let rank = try #require(order.firstIndex(of: decision.interval.member))
            if rank >= count - n {
                let donor = try #require(decision.donor)
                #expect(order.prefix(n).contains(donor.member))
            } else {
                #expect(decision.outcome == .continues)
            }
        }
    }

    @Test func `each of the top is equally likely to be the donor`() throws {
        var donors = Array(repeating: 0, count: 20)
        for seed: UInt64 in 0..<1500 {
            let experiment = Experiment.sample(population: 20, seed: seed, exploit: .truncation(0.2))
            let population = experiment.population(scores: (0..<20).map(Double.init))
            let decision = try experiment.decide(after: experiment.trained(0, score: 0), in: population, at: epoch)
            let donor = try #require(decision.donor)
            donors[donor.member] += 1
        }
        #expect(donors[..<16].allSatisfy { $0 == 0 })
        #expect(chiSquare(Array(donors[16...])) < 28, "\(donors[16...])")
    }

    @Test func `bottom and top may differ in size`() throws {
        let experiment = Experiment.sample(population: 10, exploit: .truncation(bottom: 0.5, top: 0.1))
        let decisions = try experiment.decisions(scores: (0..<10).map(Double.init))
        #expect(decisions.prefix(5).allSatisfy { $0.donor == IntervalID(member: 9, index: 0) })
        #expect(decisions.suffix(5).allSatisfy { $0.outcome == .continues })
    }

    @Test func `with less being better the greatest score is replaced`() throws {
        let experiment = Experiment.sample(goal: .minimize, population: 4, exploit: .truncation(0.25))
        let decisions = try experiment.decisions(scores: [-3, 5, 0.1, 0.2])
        #expect(decisions.map(\.name) == ["continues", "exploits", "continues", "continues"])
        #expect(decisions[1].donor?.member == 0)
    }

    @Test func `negative scores rank like any others`() throws {
        let experiment = Experiment.sample(population: 4, exploit: .truncation(0.25))
        let decisions = try experiment.decisions(scores: [-1e9, -2, -1, -1.5])
        #expect(decisions[0].donor?.member == 2)
        #expect(decisions.dropFirst().allSatisfy { $0.donor == nil })
    }
}

@Suite("Donors and depth") struct DonorDepthTests {
    /// Member 0 is worst at depth 3; members 6 and 7 are the top, with these depths.
    private func donors(_ depths: (Int, Int)) throws -> Set<Int> {
        var donors: Set<Int> = []
        for seed: UInt64 in 0..<60 {
            let experiment = Experiment.sample(population: 8, seed: seed, exploit: .truncation(0.25))
            var population = experiment.population(index: 2, scores: (0..<8).map(Double.init))
            for (member, depth) in [(6, depths.0), (7, depths.1)] {
                let trained = experiment.trained(member, index: 2, score: Double(member), depth: depth)
                population.update(try #require(experiment.standing(of: trained, after: nil)))
            }
            let decision = try experiment.decide(
                after: experiment.trained(0, index: 2, score: 0), in: population, at: epoch)
            let id = try #require(decision.donor).member
            donors.insert(id)
            #expect(decision.next?.depth == (id == 6 ? depths.0 : depths.1) + 1)
        }
        return donors
    }

    @Test func `donors of no greater depth are preferred`() throws {
        #expect(try donors((3, 3)) == [6, 7])
        #expect(try donors((3, 4)) == [6])
        #expect(try donors((9, 1)) == [7])
    }

    @Test func `when all of the top are deeper, one of them is taken all the same`() throws {
        #expect(try donors((4, 5)) == [6, 7])
    }

    @Test func `no lineage is trained for longer than the budget while members keep step`() throws {
        for seed: UInt64 in 0..<10 {
            let experiment = Experiment.sample(
                population: 8, intervals: 12, seed: seed, space: FigureTwoSpace.value, exploit: .truncation(0.25))
            let outcome = try FigureTwoSpace.run(experiment)
            #expect(outcome.intervals.values.map(\.depth).max() == 12)
        }
    }
}
