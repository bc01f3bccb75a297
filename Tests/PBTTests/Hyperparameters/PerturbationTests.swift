// SPDX-License-Identifier: Apache-2.0

import PBT
import Testing

@Suite("Perturbation") struct PerturbationTests {
    /// Where one explore leads, over many draws.
    private func reached(
        _ dimension: Dimension, from value: Value, by rule: ExploreRule = .perturb(), draws: Int = 400
    ) -> Set<Value> {
        Set(
            (0..<draws).map { number in
                var random = RandomStream.trial(number)
                return dimension.explored(from: value, by: rule, using: &random).value
            })
    }

    @Test func `a number is multiplied by one of the factors`() {
        #expect(reached(.uniform(0...10), from: 2.0) == [1.6, 2.5])
        #expect(reached(.logUniform(1e-5...1), from: 0.5, by: .perturb(by: [1.2, 0.8, 2])) == [0.6, 0.4, 1.0])
    }

    @Test func `factors are equally likely`() {
        let up = (0..<10000).count { number in
            var random = RandomStream.trial(number)
            return Dimension.uniform(0...10).explored(from: 2.0, by: .perturb(), using: &random).value == 2.5
        }
        #expect((up - 5000).magnitude < 250)
    }

    @Test func `a factor drawn from a range is one of it`() {
        let values = reached(.uniform(0...10), from: 1.0, by: .perturb(from: 0.8, to: 1.2)).compactMap(\.double)
        #expect(values.count > 300)
        #expect(values.allSatisfy { (0.8..<1.2).contains($0) })
        #expect(values.contains { $0 < 0.85 } && values.contains { $0 > 1.15 })
    }

    @Test func `a negative number stays negative and moves both ways`() {
        #expect(reached(.uniform(-10...10), from: -2.0) == [-1.6, -2.5])
    }

    @Test func `a number at a bound stays there or comes back`() {
        #expect(reached(.uniform(0.1...1), from: 1.0) == [0.8, 1.0])
        #expect(reached(.uniform(0.1...1), from: 0.1) == [0.1, 0.125])
    }

    @Test func `a number at 0 can move, both ways if the range has both`() {
        #expect(reached(.uniform(0...1), from: 0.0) == [0.0, 0.0625])
        #expect(reached(.uniform(-1...1), from: 0.0) == [-0.09999999999999998, 0.125])
        #expect(reached(.normal(mean: 0, deviation: 1), from: 0.0) == [-0.09999999999999998, 0.125])
    }

    @Test(arguments: Array(-20...20))
    func `an integer moves by at least 1`(start: Int) {
        let moved = reached(.integer(-30...30), from: .integer(start))
        #expect(moved.count == 2)
        #expect(moved.compactMap(\.int).allSatisfy { ($0 - start).magnitude >= 1 })
        #expect(moved.contains { ($0.int ?? 0) > start } && moved.contains { ($0.int ?? 0) < start })
    }

    @Test func `integers 0, 1 and 2 are not stuck`() {
        #expect(reached(.integer(0...10), from: 0) == [0, 1])
        #expect(reached(.integer(0...10), from: 1) == [0, 2])
        #expect(reached(.integer(0...10), from: 2) == [1, 3])
        #expect(reached(.integer(1...10), from: 1) == [1, 2])
        #expect(reached(.logInteger(1...1024), from: 1) == [1, 2])
    }

    @Test func `a large integer is multiplied and rounded`() {
        #expect(reached(.integer(0...1000), from: 100) == [80, 125])
        #expect(reached(.logInteger(1...1024), from: 1000) == [800, 1024])
    }

    @Test func `a boolean can flip, and is never multiplied`() {
        #expect(reached(.boolean, from: true) == [true, false])
        #expect(reached(.boolean, from: false) == [true, false])
    }

    @Test func `an ordered choice moves to a neighbor and never wraps`() {
        let sizes = Dimension.choice([32, 64, 128, 256], ordered: true)
        #expect(reached(sizes, from: 64) == [32, 128])
        #expect(reached(sizes, from: 32) == [32, 64])
        #expect(reached(sizes, from: 256) == [128, 256])
        #expect(reached(.choice(["low", "middle", "high"], ordered: true), from: "low") == ["low", "middle"])
    }

    @Test func `an ordered choice whose value left the list is drawn anew`() {
        #expect(reached(.choice([32, 64, 128], ordered: true), from: 48) == [32, 64, 128])
    }

    @Test func `an unordered choice is drawn anew, by its weights`() {
        let kinds = Dimension.choice(["relu", "tanh", "gelu"], weights: [1, 1, 0])
        #expect(reached(kinds, from: "relu") == ["relu", "tanh"])
    }

    @Test func `text is never multiplied, whatever the rule`() {
        for rule in [ExploreRule.perturb(), .perturb(by: [3]), .perturb(from: 0.1, to: 10), .resample, .none, .ray()] {
            #expect(reached(.choice(["relu", "tanh"]), from: "relu", by: rule).isSubset(of: ["relu", "tanh"]))
            #expect(reached(.choice(["1", "2"], ordered: true), from: "1", by: rule).isSubset(of: ["1", "2"]))
        }
    }

    @Test func `a grid's value moves by at least one step and stays on the grid`() {
        let grid = Dimension.uniform(0...1, quantum: 0.25)
        #expect(reached(grid, from: 0.5) == [0.25, 0.75])
        #expect(reached(grid, from: 0.25) == [0.0, 0.5])
        #expect(reached(grid, from: 1.0) == [0.75, 1.0])
        #expect(reached(grid, from: 0.0) == [0.0, 0.25])
        #expect(reached(.uniform(0...100, quantum: 1), from: 80.0) == [64.0, 100.0])
    }

    @Test func `a factor of 1 changes nothing`() {
        for named in NamedDimension.every where named.dimension.isMultiplied {
            var random = RandomStream.trial(1)
            let value = named.dimension.sample(using: &random)
            #expect(reached(named.dimension, from: value, by: .perturb(by: [1]), draws: 20) == [value])
        }
    }

    @Test func `resampling has its probability`() {
        let dimension = Dimension.uniform(0...10)
        let resampled = (0..<10000).count { number in
            var random = RandomStream.trial(number)
            return dimension.explored(from: 2.0, by: .perturb(resampling: 0.25), using: &random).operation
                == "resampled"
        }
        #expect((resampled - 2500).magnitude < 220)
    }

    @Test func `the rule none changes nothing, the rule resample everything`() {
        for named in NamedDimension.every {
            var random = RandomStream.trial(2)
            let value = named.dimension.sample(using: &random)
            #expect(named.dimension.explored(from: value, by: .none, using: &random).value == value)
        }
        #expect(reached(.integer(1...5), from: 3, by: .resample) == [1, 2, 3, 4, 5])
    }

    @Test func `a free number is multiplied without bounds, and anything else is kept`() {
        let free = Dimension.free(.integer(1...4))
        #expect(reached(free, from: 4) == [3.2, 5.0])
        #expect(reached(free, from: 1e308, by: .perturb(by: [10])) == [.number(.greatestFiniteMagnitude)])
        #expect(reached(free, from: 0, by: .perturb(by: [2])) == [0.0])
        for kept: Value in ["a", nil, true, [1, 2], ["x": 1]] { #expect(reached(free, from: kept) == [kept]) }
        // It is drawn anew only where there is something to draw from.
        #expect(reached(free, from: "a", by: .resample) == [1, 2, 3, 4])
        #expect(reached(.free(), from: 3, by: .resample) == [3])
        #expect(reached(.free(), from: 2.0, by: .ray(factors: [0.5], resampling: 1)) == [1.0])
    }

    @Test func `a factor from a range is never the upper end, and of an empty range always the lower`() {
        let reached = reached(.free(), from: 1, by: .perturb(from: 0.5, to: 2), draws: 4000).compactMap(\.double)
        #expect(reached.allSatisfy { $0 >= 0.5 && $0 < 2 })
        #expect((reached.min() ?? 1) < 0.51 && (reached.max() ?? 1) > 1.99)
        #expect(self.reached(.free(), from: 3, by: .perturb(from: 2, to: 2)) == [6.0])
    }

    @Test func `the operation says what was done`() {
        func operations(_ dimension: Dimension, from value: Value, by rule: ExploreRule) -> Set<String> {
            Set(
                (0..<200).map { number in
                    var random = RandomStream.trial(number)
                    return dimension.explored(from: value, by: rule, using: &random).operation
                })
        }
        #expect(operations(.uniform(0...1), from: 0.5, by: .perturb()) == ["×0.8", "×1.25"])
        #expect(
            operations(.uniform(0...1), from: 0.5, by: .perturb(resampling: 0.5)) == ["×0.8", "×1.25", "resampled"])
        #expect(operations(.choice([1, 2, 3], ordered: true), from: 2, by: .perturb()) == ["+1", "-1"])
        #expect(operations(.boolean, from: true, by: .perturb()) == ["resampled"])
        #expect(operations(.constant(1), from: 1, by: .perturb()) == ["kept"])
        #expect(operations(.uniform(0...1).immutable(), from: 0.5, by: .perturb()) == ["kept"])
        #expect(operations(.uniform(0...1), from: 0.5, by: .none) == ["kept"])
    }
}

extension Dimension {
    /// Whether a factor applies to it.
    fileprivate var isMultiplied: Bool {
        switch domain {
        case .real, .integer: true
        case .choice(let choice): choice.isOrdered
        case .boolean, .constant, .free: false
        }
    }
}

/// Drift of the factors over many explores (research: the pair 0.8 and 1.2 is not symmetric in the logarithm).
@Suite("Drift") struct DriftTests {
    @Test(
        arguments: [
            ([0.8, 1.2], -0.020410997, 0.2027), ([0.8, 1.25], 0, 0.2231), ([0.5, 2], 0, 0.6931),
        ] as [([Double], Double, Double)])
    func `the mean logarithm of a step is that of its factors`(factors: [Double], mean: Double, deviation: Double) {
        let count = 20000
        let dimension = Dimension.logUniform(1e-3...1e3)
        var random = RandomStream.trial(5)
        let steps = (0..<count).map { _ in
            Mathematics.log(
                dimension.explored(from: 1.0, by: .perturb(by: factors), using: &random).value.double ?? .nan)
        }
        let found = steps.reduce(0, +) / Double(count)
        #expect((found - mean).magnitude < 4.5 * deviation / Double(count).squareRoot())
        let spread = (steps.reduce(0) { $0 + ($1 - found) * ($1 - found) } / Double(count)).squareRoot()
        #expect((spread - deviation).magnitude < 0.001)
    }

    @Test func `the default factors have no drift`() {
        guard case .standard(.factors(let factors), let resample) = ExploreRule.perturb().kind else {
            Issue.record("the default perturbs by factors")
            return
        }
        #expect(factors.reduce(1, *) == 1 && resample == 0)
    }
}
