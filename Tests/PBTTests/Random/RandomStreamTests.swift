// SPDX-License-Identifier: Apache-2.0

import PBT
import Testing

/// Transforms of random words: ranges and moments.
///
/// Every bound is at least 5 standard errors wide.
@Suite("Transforms") struct TransformTests {
    private let count = 40000

    private func stream(_ name: String) -> RandomStream {
        RandomStream(seed: 3, .sample, member: 1, index: 2, name: name)
    }

    private func moments(_ draws: [Double]) -> (mean: Double, variance: Double) {
        let mean = draws.reduce(0, +) / Double(draws.count)
        return (mean, draws.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(draws.count))
    }

    @Test func `unit draws lie in 0 ..< 1, evenly`() {
        var random = stream("unit")
        let draws = (0..<count).map { _ in random.unit() }
        #expect(draws.allSatisfy { (0..<1).contains($0) })
        let (mean, variance) = moments(draws)
        #expect((mean - 0.5).magnitude < 0.0073)
        #expect((variance - 1.0 / 12).magnitude < 0.0019)
        let bins = draws.reduce(into: Array(repeating: 0, count: 20)) { $0[Int($1 * 20)] += 1 }
        #expect(chiSquare(bins) < 54, "19 degrees of freedom: exceeded once in 30,000")
    }

    @Test func `unit draws use 53 bits`() {
        var random = stream("bits")
        let draws = (0..<1000).map { _ in random.unit() * 0x1p53 }
        #expect(draws.allSatisfy { $0 == $0.rounded() })
        #expect(draws.contains { Int64($0) & 1 == 1 })
    }

    @Test(arguments: [(-3.0, 5.0), (1e-5, 1), (0, 0x1p-1074), (1e300, 1.5e300)])
    func `uniform draws stay below the upper bound`(lower: Double, upper: Double) {
        var random = stream("uniform")
        for _ in 0..<2000 {
            let draw = random.uniform(lower, upper)
            #expect(draw >= lower && draw < upper)
        }
    }

    @Test func `uniform between two equal numbers is that number`() {
        var random = stream("equal")
        for _ in 0..<100 { #expect(random.uniform(2.5, 2.5) == 2.5) }
    }

    @Test(arguments: [1, 2, 3, 7, 10, 1000])
    func `an index is below the count, each equally likely`(bound: Int) {
        var random = stream("index")
        var bins = Array(repeating: 0, count: bound)
        for _ in 0..<count {
            let index = random.index(below: bound)
            #expect(index >= 0 && index < bound)
            bins[index] += 1
        }
        let freedom = Double(bound - 1)
        #expect(chiSquare(bins) <= freedom + 5 * (2 * freedom).squareRoot() + 10)
    }

    @Test func `an index below a huge count favors none`() {
        // Without rejection, of 3·2^61 every third would be drawn 2 times where the others are drawn 3 times.
        let bound = 3 << 61
        var random = stream("huge")
        var thirds = [0, 0, 0]
        for _ in 0..<count {
            let index = random.index(below: bound)
            #expect(index >= 0 && index < bound)
            thirds[index % 3] += 1
        }
        #expect(chiSquare(thirds) < 25, "\(thirds)")
    }

    @Test func `nothing to choose from is a programming error`() async {
        await #expect(processExitsWith: .failure) {
            var random = RandomStream(seed: 1, .sample, member: 0, index: 0)
            _ = random.index(below: 0)
        }
    }

    @Test func `normal draws have the normal's moments and quantiles`() {
        var random = stream("normal")
        let draws = (0..<count).map { _ in random.normal() }
        #expect(draws.allSatisfy { $0.isFinite })
        let (mean, variance) = moments(draws)
        #expect(mean.magnitude < 0.026)
        #expect((variance - 1).magnitude < 0.036)
        let kurtosis = draws.reduce(0) { $0 + $1 * $1 * $1 * $1 } / Double(count)
        #expect((kurtosis - 3).magnitude < 0.25)
        let sorted = draws.sorted()
        for (probability, quantile) in [
            (0.025, -1.959964), (0.25, -0.674490), (0.5, 0), (0.75, 0.674490), (0.975, 1.959964),
        ] {
            #expect((sorted[Int(probability * Double(count))] - quantile).magnitude < 0.07)
        }
    }

    @Test func `weighted indices follow their weights and never take a weight of 0`() {
        var random = stream("weights")
        let weights = [0, 2, 0, 5, 1, 0]
        var bins = Array(repeating: 0, count: weights.count)
        for _ in 0..<count { bins[random.index(weights: weights.map(Double.init))] += 1 }
        #expect(bins[0] == 0 && bins[2] == 0 && bins[5] == 0)
        for (bin, weight) in zip(bins, weights) {
            let expected = Double(count * weight) / 8
            #expect((Double(bin) - expected).magnitude <= 5 * max(expected, 1).squareRoot())
        }
    }
}

/// Pearson's statistic for bins that should be equally full.
func chiSquare(_ bins: [Int]) -> Double {
    let expected = Double(bins.reduce(0, +)) / Double(bins.count)
    return bins.reduce(0) { $0 + (Double($1) - expected) * (Double($1) - expected) / expected }
}
