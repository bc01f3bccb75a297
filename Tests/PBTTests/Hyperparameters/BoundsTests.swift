// SPDX-License-Identifier: Apache-2.0

import PBT
import Testing

/// 1,000 chains of 50 explores: what a lineage may go through in a long experiment.
@Suite("Bounds") struct BoundsTests {
    private static let rules: [ExploreRule] = [
        .perturb(), .perturb(by: [1.2, 0.8]), .perturb(by: [100, 0.01]), .perturb(from: 0.5, to: 2, resampling: 0.1),
        .step(), .step(by: [0.01, 1], resampling: 0.1), .step(from: 0.05, to: 0.5).keepingCategories(0.5),
    ]

    @Test(arguments: NamedDimension.every)
    func `no chain of explores leaves the bounds, the grid or the type`(named: NamedDimension) {
        var illegal: [Value] = []
        for chain in 0..<1000 {
            let rule = Self.rules[chain % Self.rules.count]
            var random = RandomStream.trial(chain)
            var value = named.dimension.sample(using: &random)
            let first = value
            for _ in 0..<50 {
                value = named.dimension.explored(from: value, by: rule, using: &random).value
                let isSameType = named.dimension.normalized(value) == value
                if named.dimension.complaint(about: value) != nil || !isSameType { illegal.append(value) }
            }
            if case .constant = named.dimension.domain { #expect(value == first) }
        }
        #expect(illegal.isEmpty, "\(illegal.prefix(3))")
    }

    @Test func `bounds wider than the range are reached, and kept`() {
        var least = Double.infinity
        for chain in 0..<200 {
            var random = RandomStream.trial(chain)
            let dimension = Dimension.uniform(0.9...1.1, bounds: 1e-4...1.1)
            var value = dimension.sample(using: &random)
            for _ in 0..<50 {
                value = dimension.explored(from: value, by: .perturb(by: [0.5, 2]), using: &random).value
            }
            least = min(least, value.double ?? .nan)
            #expect((value.double ?? .nan) <= 1.1)
        }
        #expect(least < 0.01 && least >= 1e-4)
    }

    @Test func `a resampled value comes from the range, not the bounds`() {
        let dimension = Dimension.uniform(0.9...1.1, bounds: 0...100)
        for chain in 0..<500 {
            var random = RandomStream.trial(chain)
            let explored = dimension.explored(from: 50, by: .resample, using: &random)
            #expect(explored.operation == "resampled")
            #expect((0.9...1.1).contains(explored.value.double ?? .nan))
        }
    }

    @Test func `a proposal of a strategy is cut to the bounds, and nonsense keeps the donor's value`() {
        #expect(Dimension.uniform(0...1).nearestLegal(to: 7) == 1.0)
        #expect(Dimension.uniform(0...1).nearestLegal(to: .number(-.infinity)) == 0.0)
        #expect(Dimension.uniform(0...1).nearestLegal(to: .number(.nan)) == nil)
        #expect(Dimension.uniform(0...1, quantum: 0.25).nearestLegal(to: 0.3) == 0.25)
        #expect(Dimension.integer(1...8).nearestLegal(to: 3.6) == 4)
        #expect(Dimension.integer(1...8).nearestLegal(to: .number(.infinity)) == 8)
        #expect(Dimension.integer(0...Int.max - 1).nearestLegal(to: .number(1e300)) == .integer(1 << 62))
        #expect(Dimension.integer(1...8).nearestLegal(to: "3") == nil)
        #expect(Dimension.choice([32, 64]).nearestLegal(to: 32.0) == 32)
        #expect(Dimension.choice([32, 64]).nearestLegal(to: 33) == nil)
        #expect(Dimension.boolean.nearestLegal(to: 1) == nil)
    }
}
