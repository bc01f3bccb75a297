// SPDX-License-Identifier: Apache-2.0

import PBT
import Testing

/// What Ray Tune's own tests assert of its explore (research: B6, B7, B9, B13), by large draws.
@Suite("Ray preset") struct RayPresetTests {
    private func reached(
        _ dimension: Dimension, from value: Value, resampling: Double = 0, factors: [Double] = [1.2, 0.8],
        draws: Int = 600
    ) -> [Value: Int] {
        (0..<draws).reduce(into: [:]) { counts, number in
            var random = RandomStream.trial(number, name: "ray")
            let rule = ExploreRule.ray(factors: factors, resampling: resampling)
            counts[dimension.explored(from: value, by: rule, using: &random).value, default: 0] += 1
        }
    }

    private func values(_ dimension: Dimension, from value: Value, resampling: Double = 0) -> Set<Value> {
        Set(reached(dimension, from: value, resampling: resampling).keys)
    }

    private let ladder = Dimension.choice([3, 4, 8, 10])

    @Test func `without resampling a number is multiplied and keeps its type`() {
        #expect(values(.uniform(0...100), from: 2.0) == [2.4, 1.6])
        #expect(values(.integer(0...100), from: 10) == [12, 8])
        #expect(values(.integer(0...1000), from: 100) == [80, 120])
    }

    @Test func `a value that is not in the list is drawn from the list`() {
        #expect(values(.choice([100]), from: 0) == [100])
        #expect(values(ladder, from: 7) == [3, 4, 8, 10])
    }

    @Test func `a list's value shifts to a neighbor and stays at the ends half of the time`() {
        #expect(values(ladder, from: 4) == [3, 8])
        #expect(values(ladder, from: 3) == [3, 4])
        #expect(values(ladder, from: 10) == [8, 10])
        let fromEnd = reached(ladder, from: 3, draws: 4000)
        #expect(((fromEnd[3] ?? 0) - 2000).magnitude < 160)
    }

    @Test func `with resampling always, everything is drawn anew`() {
        #expect(values(ladder, from: 4, resampling: 1) == [3, 4, 8, 10])
        #expect(values(.choice([10, 100]), from: 10, resampling: 1) == [10, 100])
        #expect(values(.uniform(100...100), from: 2.0, resampling: 1) == [100.0])
        #expect(values(.integer(10...10), from: 3, resampling: 1) == [10])
        #expect(values(.choice([100]), from: 1, resampling: 1) == [100])
    }

    @Test func `a drawn list value is uniform over the whole list`() {
        let counts = reached(ladder, from: 7, draws: 8000)
        #expect(chiSquare([3, 4, 8, 10].map { counts[$0] ?? 0 }) < 28)
    }

    @Test func `it is resampled with the probability given, a quarter by default`() {
        let dimension = Dimension.uniform(0...1)
        let resampled = (0..<8000).count { number in
            var random = RandomStream.trial(number)
            return dimension.explored(from: 0.5, by: .ray(), using: &random).operation == "resampled"
        }
        #expect((resampled - 2000).magnitude < 200)
    }

    @Test(
        arguments: [
            (0, [0]), (1, [1]), (2, [2]), (3, [4, 2]), (4, [5, 3]), (5, [6, 4]), (10, [12, 8]), (100, [120, 80]),
        ] as [(Int, Set<Int>)])
    func `its integers 0, 1 and 2 are stuck, as in Ray`(from: Int, to: Set<Int>) {
        #expect(Set(values(.integer(0...1000), from: .integer(from)).compactMap(\.int)) == to)
    }

    @Test func `integers are rounded half to even`() {
        #expect(Set(reached(.integer(0...100), from: 5, factors: [0.5, 1.5]).keys) == [2, 8])
    }

    @Test func `numbers leave their bounds, as in Ray`() {
        #expect(values(.uniform(0...1), from: 1.0) == [1.2, 0.8])
        #expect(values(.integer(0...10), from: 10) == [12, 8])
    }

    @Test func `a boolean flips by resampling only`() {
        #expect(values(.boolean, from: true) == [true])
        #expect(values(.boolean, from: false) == [false])
        #expect(values(.boolean, from: true, resampling: 0.5) == [true, false])
    }

    @Test func `constants are left alone`() {
        #expect(values(.constant(3), from: 3, resampling: 1) == [3])
        #expect(values(.constant("x"), from: "x") == ["x"])
    }

    @Test func `a long chain of growing factors overflows nothing`() throws {
        let rule = ExploreRule.ray(factors: [10], resampling: 0)
        for (dimension, first) in [(Dimension.integer(1...10), 7), (.uniform(0...10), 7.0), (.uniform(-10...10), -7.0)]
            as [(Dimension, Value)]
        {
            var value = first
            var random = RandomStream.trial(0)
            for _ in 0..<1000 { value = dimension.explored(from: value, by: rule, using: &random).value }
            #expect(try #require(value.double).isFinite)
            #expect(try Value(json: value.json) == value)
        }
    }

    @Test(
        arguments: [
            (0.10, [0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2]), (0.25, [0, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3]),
            (0.50, [0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6]),
        ] as [(Double, [Int])])
    func `its quantiles are truncation's`(quantile: Double, counts: [Int]) throws {
        for (n, count) in zip(1..., counts) {
            let experiment = Experiment.sample(population: n, exploit: .ray(quantile: quantile), explore: .ray())
            let decisions = try experiment.decisions(scores: (0..<n).map { Double($0 * 50) })
            #expect(decisions.count { $0.donor != nil } == count)
            #expect(decisions.allSatisfy { $0.donor.map { $0.member >= n - count } ?? true })
        }
    }

    @Test func `with less than all members reported, the worse of two is compared already`() throws {
        let experiment = Experiment.sample(population: 5, exploit: .ray(), explore: .ray())
        let population = experiment.population(scores: [10, 200])
        #expect(
            try experiment.decide(after: experiment.trained(0, score: 10), in: population, at: epoch).donor?.member == 1
        )
        #expect(try experiment.decide(after: experiment.trained(1, score: 200), in: population, at: epoch).donor == nil)
    }

    @Test func `five members with scores 0 to 200 exchange two for two`() throws {
        let experiment = Experiment.sample(population: 5, exploit: .ray(), explore: .ray())
        let decisions = try experiment.decisions(scores: [0, 50, 100, 150, 200])
        #expect(decisions.map { $0.donor != nil } == [true, true, false, false, false])
        #expect(decisions.prefix(2).allSatisfy { [3, 4].contains($0.donor?.member) })
    }
}
