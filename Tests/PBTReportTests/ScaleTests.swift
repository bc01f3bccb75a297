// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import PBTReport

@Suite struct ScaleTests {
    @Test(arguments: [
        (0.0, 1.0, ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]), (0.981, 0.9992, ["0.985", "0.990", "0.995"]),
        (0, 40, ["0", "10", "20", "30", "40"]), (-5, 5, ["-4", "-2", "0", "2", "4"]),
        (1e300, 5e300, ["1e300", "2e300", "3e300", "4e300", "5e300"]),
        (0, 2.5e7, ["0", "5e6", "1.0e7", "1.5e7", "2.0e7", "2.5e7"]),
    ])
    func `linear ticks are round, with as many decimals as they need`(low: Double, high: Double, labels: [String]) {
        #expect(Scale(low: low, high: high, from: 0, to: 1).ticks(about: 5).map(\.label) == labels)
    }

    @Test(arguments: [
        (1e-5, 1.0, ["1e-5", "1e-4", "0.001", "0.01", "0.1", "1"]),
        (0.01, 0.3, ["0.01", "0.02", "0.05", "0.1", "0.2"]),
        (0.001, 0.3, ["0.001", "0.003", "0.01", "0.03", "0.1", "0.3"]),
        (1e-20, 1, ["1e-20", "1e-16", "1e-12", "1e-8", "1e-4", "1"]), (32, 64, ["35", "40", "45", "50", "55", "60"]),
        (1, 1024, ["1", "10", "100", "1000"]),
    ])
    func `logarithmic ticks are powers of ten while there are enough of them`(
        low: Double, high: Double, labels: [String]
    ) {
        #expect(Scale(isLogarithmic: true, low: low, high: high, from: 0, to: 1).ticks(about: 6).map(\.label) == labels)
    }

    @Test(
        arguments: [
            [], [.nan, .infinity], [0], [.leastNonzeroMagnitude], [1, 1 + 1e-16], [-1.79e308, 1.79e308], [1e300],
            [-1e-300, 1e-300],
            [1.79e308],
        ] as [[Double]], [false, true])
    func `any numbers have a scale, with finite places and at least one tick`(values: [Double], isLogarithmic: Bool) {
        let scale = Scale(fitting: values, isLogarithmic: isLogarithmic, from: 100, to: 0)
        #expect(scale.low < scale.high && (scale.high - scale.low).isFinite)
        let ticks = scale.ticks(about: 5)
        #expect(!ticks.isEmpty && ticks.count < 20)
        #expect(ticks.allSatisfy { (-1...101).contains(scale.position($0.value) ?? .nan) })
        for value in values where value.isFinite && (!isLogarithmic || value > 0) {
            #expect(scale.position(value)?.isFinite == true)
        }
    }

    @Test func `an axis that counts has whole numbers only`() {
        #expect(Scale(low: 0, high: 3, from: 0, to: 1).wholeTicks(about: 10).map(\.label) == ["0", "1", "2", "3"])
        #expect(Scale(low: 0, high: 1, from: 0, to: 1).wholeTicks(about: 10).map(\.label) == ["0", "1"])
        #expect(Scale(low: 0, high: 4000, from: 0, to: 1).wholeTicks(about: 4).last?.label == "4000")
    }

    @Test func `decimation keeps both ends and every extreme`() {
        var points = (0..<10_000).map { Point(x: Double($0), y: 0) }
        points[4321].y = 7
        points[8765].y = -7
        let kept = Decimation.reduced(points)
        #expect(kept.count <= Decimation.limit)
        #expect(kept.first == points.first && kept.last == points.last)
        #expect(kept.contains(points[4321]) && kept.contains(points[8765]))
        #expect(zip(kept, kept.dropFirst()).allSatisfy { $0.x < $1.x })
        #expect(Decimation.reduced(Array(points.prefix(300))).count == 300)
    }

    @Test(arguments: [
        (0.0, "0"), (-0.04, "0"), (1.25, "1.3"), (-1.25, "-1.3"), (12, "12"), (.nan, "0"), (1e300, "1000000"),
        (-0.06, "-0.1"),
    ])
    func `coordinates have at most one decimal`(value: Double, text: String) {
        #expect(Coordinate.text(value) == text)
    }
}
