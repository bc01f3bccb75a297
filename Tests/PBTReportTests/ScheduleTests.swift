// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTReport
import Testing

@Suite struct ScheduleTests {
    /// A hyperparameter of each kind that a fit treats differently.
    private let space: SearchSpace = [
        "lr": .logUniform(1e-4...1), "gamma": .reverseLogUniform(0.9...0.9999), "drop": .uniform(0...0.5),
        "grid": .uniform(0...1, quantum: 0.1), "layers": .integer(1...8), "batch": .choice([32, 64], ordered: true),
        "flag": .boolean,
    ]

    /// Random walks on the scales of the space, as a search makes them.
    private func walk(_ count: Int, seed: UInt64) -> [Hyperparameters] {
        var random = RandomStream(seed: seed, .sample, member: 0, index: 0)
        var current = space.sample(seed: seed, member: 0, index: 0)
        return (0..<count).map { _ in
            for name in space.names where random.unit() < 0.4 {
                guard let dimension = space[name], let old = current[name] else { continue }
                if let number = old.double {
                    current[name] = dimension.nearestLegal(to: .number(number * random.uniform(0.8, 1.25))) ?? old
                } else {
                    current[name] = dimension.sample(using: &random)
                }
            }
            return current
        }
    }

    private func lr(_ values: [Double]) -> [Hyperparameters] {
        values.map { ["lr": .number($0)] }
    }

    private func knots(_ schedule: Schedule, _ name: String = "lr") throws -> [Schedule.Knot] {
        guard case .line(let knots, _) = try #require(schedule.curves[name]) else {
            Issue.record("\(name) is not piecewise linear")
            return []
        }
        return knots
    }

    @Test(arguments: [1, 2, 3, 12, 25, 100])
    func `a schedule of its own length is itself`(length: Int) {
        let walk = walk(length, seed: 1)
        #expect(Schedule(walk, of: space).intervals(length) == walk)
    }

    @Test func `each interval of a schedule stretched by an integer lasts as many times as long`() {
        let walk = walk(10, seed: 2)
        let stretched = Schedule(walk, of: space).intervals(40)
        #expect(stretched == walk.flatMap { Array(repeating: $0, count: 4) })
    }

    @Test(arguments: 1...60)
    func `a stretched schedule has exactly its length, and the values in their order`(count: Int) {
        let walk = lr((1...17).map { Double($0) / 100 })
        let schedule = Schedule(walk, of: space)
        let rates = schedule.intervals(count).compactMap { $0["lr"]?.double }
        #expect(rates.count == count && rates == rates.sorted())
        let lasts = (0..<17).map { schedule.moment($0 + 1, of: count) - schedule.moment($0, of: count) }
        #expect(lasts.reduce(0, +) == count)
        // No interval is more than one longer than another.
        let least = count / 17
        #expect(lasts.allSatisfy { $0 == least || $0 == least + 1 })
    }

    @Test(arguments: [1, 7, 1_000_000], [1, 3, 1_000_000_000_000])
    func `the moments of a schedule end exactly at its length`(length: Int, total: Int) {
        #expect(Schedule.moment(0, of: total, length: length) == 0)
        #expect(Schedule.moment(length, of: total, length: length) == total)
    }

    @Test func `a hyperparameter that some intervals lack is missing in as many`() {
        let some: [Hyperparameters] = [["lr": 0.1], ["lr": 0.1, "drop": 0.2], ["lr": 0.1]]
        let schedule = Schedule(some, of: space).fitted(.knots(nil))
        #expect(schedule.intervals(6).map { $0["drop"] } == [nil, nil, 0.2, 0.2, nil, nil])
    }

    @Test(arguments: 0..<20, [Schedule.Fit.knots(nil), .knots(2), .knots(5), .monotone(nil)])
    func `a fit stays within the bounds and on the grids`(seed: UInt64, fit: Schedule.Fit) throws {
        let walk = walk(8 + Int(seed), seed: seed)
        let schedule = Schedule(walk, of: space).fitted(fit)
        for count in [walk.count, 3 * walk.count, 5] {
            let fitted = schedule.intervals(count)
            #expect(fitted.count == count)
            for name in ["lr", "gamma", "drop", "grid"] {
                for value in fitted.compactMap({ $0[name] }) {
                    #expect(space[name]?.complaint(about: value) == nil, "\(name)")
                }
            }
        }
        let same = schedule.intervals(walk.count)
        for name in ["layers", "batch", "flag"] { #expect(same.map { $0[name] } == walk.map { $0[name] }) }
    }

    @Test(arguments: 0..<5)
    func `a piecewise linear fit has at least two knots, from the start to the end`(seed: UInt64) throws {
        for length in [2, 3, 4, 5, 64, 65, 129, 1000] {
            for count in [nil, 2, 4, 33] {
                let schedule = Schedule(walk(length, seed: seed), of: space).fitted(.knots(count))
                for curve in schedule.curves.values {
                    guard case .line(let knots, _) = curve else { continue }
                    #expect((2...(count ?? 6)).contains(knots.count))
                    #expect(knots.first?.place == 0)
                    #expect(knots.last?.place == length)
                    for (knot, next) in zip(knots, knots.dropFirst()) { #expect(knot.place + 2 <= next.place) }
                }
            }
        }
    }

    @Test func `an exponential decay is a line between two knots`() throws {
        let decay = lr((0..<20).map { 0.5 * Mathematics.exp(-0.2 * (Double($0) + 0.5)) })
        let knots = try knots(Schedule(decay, of: space).fitted(.knots(nil)))
        #expect(knots.count == 2)
        #expect(isNear(knots[0].value, 0.5))
        #expect(isNear(knots[1].value, 0.5 * Mathematics.exp(-4)))
        let fitted = Schedule(decay, of: space).fitted(.knots(nil)).intervals(20)
        for (fit, value) in zip(fitted, decay) {
            #expect(isNear(try fit.double("lr"), try value.double("lr")))
        }
    }

    @Test func `the number of knots does not follow single steps of the search`() throws {
        // Around 0.01 at first, with steps of ×1.25 and ×0.8, then falling.
        let steps = [0, 0, 0, 1, 1, 0, -1, -2, -3, -4, -5, -6]
        let rates = steps.map { 0.01 * Mathematics.power(1.25, $0) }
        let knots = try knots(Schedule(lr(rates), of: space).fitted(.knots(nil)))
        #expect(knots.count == 3)
        #expect(try self.knots(Schedule(lr(rates), of: space).fitted(.knots(4))).count == 4)
    }

    private func isNear(_ a: Double, _ b: Double) -> Bool {
        abs(a / b - 1) < 1e-9
    }

    @Test func `bends are found where they are`() throws {
        // Constant for 10 intervals, falls by e^-0.4 an interval for 10, and is constant again.
        let rates = (0..<30).map { place in
            let time = Double(place) + 0.5
            return 0.1 * Mathematics.exp(-0.4 * min(max(time - 10, 0), 10))
        }
        let knots = try knots(Schedule(lr(rates), of: space).fitted(.knots(nil)))
        #expect(knots.map(\.place) == [0, 10, 20, 30])
        for (knot, value) in zip(knots, [0.1, 0.1, 0.1 * Mathematics.exp(-4), 0.1 * Mathematics.exp(-4)]) {
            #expect(isNear(knot.value, value))
        }
        // Noise of 5 % moves no bend far.
        var random = RandomStream(seed: 3, .sample, member: 0, index: 0)
        let noisy = rates.map { $0 * Mathematics.exp(0.05 * random.normal()) }
        let found = try self.knots(Schedule(lr(noisy), of: space).fitted(.knots(nil)))
        try #require(found.count == 4)
        #expect((9...11).contains(found[1].place))
        #expect((19...21).contains(found[2].place))
    }

    @Test(arguments: [0, 0.1])
    func `a bend in a long schedule is found, as exactly as its places allow`(noise: Double) throws {
        var random = RandomStream(seed: 4, .sample, member: 0, index: 0)
        let rates = (0..<10_000).map { place in
            let fall = 5 * Double(max(place - 7000, 0)) / 3000
            return 0.5 * Mathematics.exp(noise * random.normal() - fall)
        }
        let knots = try knots(Schedule(lr(rates), of: space).fitted(.knots(3)))
        try #require(knots.count == 3)
        // There are places every 156 samples.
        #expect((6844...7156).contains(knots[1].place))
    }

    @Test func `the values of a fit are those of least squares`() throws {
        // By hand: the line through three samples at -1, 0 and 1 has the slope (c - a) / 2, and their mean in the middle.
        let rates = [-1.5, 0, 0.5].map { 0.1 * Mathematics.exp($0) }
        let fitted = Schedule(lr(rates), of: space).fitted(.knots(2)).intervals(3)
        for (place, hyperparameters) in fitted.enumerated() {
            let expected = 0.1 * Mathematics.exp(-1.0 / 3 + Double(place - 1))
            #expect(isNear(try hyperparameters.double("lr"), expected))
        }
    }

    @Test func `a line that leads beyond a bound ends at it`() throws {
        let steep = lr([0.01, 0.1, 1])
        let knots = try knots(Schedule(steep, of: space).fitted(.knots(2)))
        #expect(knots[1].value == 1 && knots[0].value < 0.01)
    }

    @Test func `monotone values are the means of the violators that are next to each other`() throws {
        let grid: SearchSpace = ["x": .uniform(0...10)]
        func fit(_ values: [Double], _ direction: Schedule.Direction?) -> [Double] {
            Schedule(values.map { ["x": .number($0)] }, of: grid).fitted(.monotone(direction)).intervals(values.count)
                .compactMap { $0["x"]?.double }
        }
        let rising: [Double] = [1, 3, 2, 4, 6, 4, 5, 8]
        #expect(fit(rising, .increasing) == [1, 2.5, 2.5, 4, 5, 5, 5, 8])
        #expect(fit(rising, nil) == fit(rising, .increasing))
        #expect(fit([9, 7, 8, 1], nil) == [9, 7.5, 7.5, 1])
        #expect(fit([1, 2, 3], .decreasing) == [2, 2, 2])
        #expect(fit([3, 2, 1], .decreasing) == [3, 2, 1])
    }

    @Test(arguments: 0..<40)
    func `a monotone fit is monotone, and no other monotone sequence of a few is nearer`(seed: UInt64) throws {
        let walk = walk(15, seed: seed)
        for direction in Schedule.Direction.allCases {
            let fitted = Schedule(walk, of: space).fitted(.monotone(direction)).intervals(15)
            for name in ["lr", "gamma", "drop", "grid"] {
                let values = fitted.compactMap { $0[name]?.double }
                #expect(values == values.sorted(by: direction == .increasing ? { $0 < $1 } : { $0 > $1 }))
            }
            let logs = fitted.compactMap { $0["lr"]?.double }.map(Mathematics.log)
            let original = walk.compactMap { $0["lr"]?.double }.map(Mathematics.log)
            func error(_ values: [Double]) -> Double {
                var sum = 0.0
                for (value, number) in zip(values, original) { sum += (value - number) * (value - number) }
                return sum
            }
            var random = RandomStream(seed: seed, .sample, member: 1, index: 0)
            for _ in 0..<100 {
                let moved = logs.map { $0 + 0.05 * random.normal() }
                let other = moved.sorted(by: direction == .increasing ? { $0 < $1 } : { $0 > $1 })
                #expect(error(other) >= error(logs) - 1e-9)
            }
        }
    }

    @Test func `hyperparameters in a constraint are left as they are, since a fit could break it`() throws {
        let space: SearchSpace = ["lr": .logUniform(1e-4...1), "drop": .uniform(0...0.5), "wd": .uniform(0...1)]
        let walk: [Hyperparameters] = [
            ["lr": 0.1, "drop": 0.2, "wd": 0.1], ["lr": 0.3, "drop": 0.4, "wd": 0.5],
            ["lr": 0.2, "drop": 0.3, "wd": 0.2],
        ]
        let fitted = Schedule(walk, of: try space.constrained(by: "lr < drop")).fitted(.knots(2)).intervals(3)
        for name in ["lr", "drop"] { #expect(fitted.map { $0[name] } == walk.map { $0[name] }) }
        #expect(fitted.map { $0["wd"] } != walk.map { $0["wd"] })
    }

    @Test func `numbers without a place on the scale are left as they are`() {
        let edited = lr([0.1, 0, 0.2, 0.3])
        #expect(Schedule(edited, of: space).fitted(.knots(2)).intervals(4) == edited)
        #expect(Schedule(edited, of: space).fitted(.monotone(nil)).intervals(4) == edited)
    }

    @Test(arguments: [
        ("4", "4"), ("2.5", "5/2"), ("5/2", "5/2"), ("0.125", "1/8"), ("6/4", "3/2"), ("1.000000000", "1"),
    ])
    func `a ratio is exact`(text: String, reduced: String) throws {
        #expect(try #require(Ratio(text)).description == reduced)
    }

    @Test(arguments: [
        "", "0", "-1", "+1", "1e3", "1/0", "0/1", "1/2/3", "1.5/2", ".5", "2.", "1.2.3", "inf", "nan", " 1", "１",
        "1234567890", "99999999999999999999",
    ])
    func `what is not a ratio is refused`(text: String) {
        #expect(Ratio(text) == nil)
    }

    @Test func `a product is rounded to the nearest, half up, and never overflows`() throws {
        let ratio = try #require(Ratio("2.5"))
        #expect(ratio.times(25, atMost: 100) == 63)
        #expect(ratio.times(24, atMost: 60) == 60)
        #expect(ratio.times(24, atMost: 59) == nil)
        #expect(ratio.times(.max, atMost: .max) == nil)
        #expect(Ratio("1/999999999")?.times(5, atMost: 9) == 1)
        #expect(Ratio("1/3")?.times(5, atMost: 9) == 2)
    }
}
