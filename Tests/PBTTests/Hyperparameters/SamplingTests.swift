// SPDX-License-Identifier: Apache-2.0

import PBT
import Testing

@Suite("Sampling") struct SamplingTests {
    private func draws(_ dimension: Dimension, _ count: Int, seed: UInt64 = 4) -> [Value] {
        (0..<count).map { member in
            var random = RandomStream(seed: seed, .sample, member: member, index: 0, name: "x")
            return dimension.sample(using: &random)
        }
    }

    private func numbers(_ dimension: Dimension, _ count: Int = 10000) -> [Double] {
        draws(dimension, count).compactMap(\.double)
    }

    @Test(arguments: NamedDimension.every)
    func `every kind samples legal values of one type`(named: NamedDimension) {
        let values = draws(named.dimension, 2000)
        for value in values {
            #expect(named.dimension.complaint(about: value) == nil, "\(value)")
            #expect(named.dimension.normalized(value) == value)
        }
    }

    @Test func `uniform is uniform`() {
        let bins = numbers(.uniform(-1...3)).reduce(into: Array(repeating: 0, count: 20)) { $0[Int(($1 + 1) * 5)] += 1 }
        #expect(chiSquare(bins) < 54)
    }

    @Test func `bounds wider than the range do not widen what founders draw from`() {
        let values = numbers(.uniform(0.9...1.1, bounds: 1e-4...2))
        #expect(values.allSatisfy { (0.9...1.1).contains($0) })
        #expect(numbers(.integer(10...20, bounds: 0...100)).allSatisfy { (10...20).contains($0) })
    }

    @Test func `log-uniform gives each decade its share`() {
        let bins = numbers(.logUniform(1e-5...1)).reduce(into: Array(repeating: 0, count: 5)) {
            $0[min(4, Int(Mathematics.log10($1) + 5))] += 1
        }
        #expect(chiSquare(bins) < 35, "\(bins)")
    }

    @Test func `log-uniform has its quantiles`() {
        let sorted = numbers(.logUniform(1e-4...1)).sorted()
        for (probability, quantile) in [(0.25, 1e-3), (0.5, 1e-2), (0.75, 1e-1)] {
            let ratio = sorted[Int(probability * 10000)] / quantile
            #expect(Mathematics.log10(ratio).magnitude < 0.1, "\(probability): \(ratio)")
        }
    }

    @Test func `normal and log-normal have their means and deviations`() {
        let normal = numbers(.normal(mean: 3, deviation: 2))
        let mean = normal.reduce(0, +) / 10000
        #expect((mean - 3).magnitude < 0.1)
        let variance = normal.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 10000
        #expect((variance.squareRoot() - 2).magnitude < 0.08)
        let logarithms = numbers(.logNormal(mean: -3, deviation: 0.5)).map(Mathematics.log)
        #expect((logarithms.reduce(0, +) / 10000 + 3).magnitude < 0.025)
    }

    @Test func `normal with bounds is cut to them`() {
        let values = numbers(.normal(mean: 0, deviation: 1, bounds: -0.5...2))
        #expect(values.min() == -0.5)
        #expect((Double(values.count { $0 == -0.5 }) / 10000 - 0.3085).magnitude < 0.024)
    }

    @Test func `integers are equally likely, ends included`() {
        let bins = numbers(.integer(-3...6)).reduce(into: Array(repeating: 0, count: 10)) { $0[Int($1) + 3] += 1 }
        #expect(chiSquare(bins) < 40, "\(bins)")
    }

    @Test func `a log-integer n is as likely as the logarithm of n + ½ over n - ½`() {
        let values = numbers(.logInteger(1...32), 40000)
        for n in [1.0, 2, 3, 8, 31, 32] {
            let expected = 40000 * Mathematics.log((n + 0.5) / (n - 0.5)) / Mathematics.log(32.5 / 0.5)
            let found = Double(values.count { $0 == n })
            #expect((found - expected).magnitude < 5 * expected.squareRoot() + 1, "\(n): \(found), not \(expected)")
        }
    }

    @Test func `a grid's points are those of the grid`() {
        let grid = numbers(.uniform(0...1, quantum: 0.25))
        #expect(Set(grid) == [0, 0.25, 0.5, 0.75, 1])
        #expect(
            Set(numbers(.uniform(0.05...1, quantum: 0.3))).sorted().map(\.short) == ["0.05", "0.35", "0.65", "0.95"])
        #expect(numbers(.normal(mean: 0, deviation: 10, quantum: 5)).allSatisfy { ($0 / 5).rounded() * 5 == $0 })
    }

    @Test func `a choice is drawn by its weights`() {
        let values = draws(.choice(["a", "b", "c"], weights: [3, 1, 0]), 8000)
        let a = values.count { $0 == "a" }
        #expect((a - 6000).magnitude < 200)
        #expect(!values.contains("c"))
        let even = draws(.choice(["a", "b", "c"]), 9000)
        #expect(chiSquare(["a", "b", "c"].map { name in even.count { $0 == name } }) < 28)
    }

    @Test func `a boolean is true half of the time`() {
        let values = draws(.boolean, 10000)
        #expect((values.count { $0 == true } - 5000).magnitude < 250)
    }

    @Test func `integers over the whole range of 53 bits are drawn without overflow`() {
        let wide = Dimension.integer(-(1 << 53)...(1 << 53))
        let values = draws(wide, 1000).compactMap(\.int)
        #expect(values.count == 1000 && values.contains { $0 < 0 } && values.contains { $0 > 0 })
    }

    @Test func `a founder has one value for each dimension`() {
        let space = SearchSpace(
            Dictionary(uniqueKeysWithValues: NamedDimension.every.map { ($0.testDescription, $0.dimension) }))
        let founder = space.sample(seed: 1, member: 0, index: 0)
        #expect(founder.names == space.names.sorted())
        #expect(founder == space.sample(seed: 1, member: 0, index: 0))
        #expect(founder != space.sample(seed: 1, member: 1, index: 0))
        #expect(founder != space.sample(seed: 2, member: 0, index: 0))
        #expect(founder != space.sample(seed: 1, member: 0, index: 1))
    }
}

@Suite("Values given by hand") struct GivenValueTests {
    private let space: SearchSpace = [
        "rate": .logUniform(1e-4...1), "size": .choice([32, 64], ordered: true), "layers": .integer(1...8),
        "step": .uniform(0...1, quantum: 0.25), "flag": .boolean, "note": .constant("x"),
    ]

    @Test func `they take the types that sampling gives`() throws {
        let checked = try space.checked([
            "rate": 1, "size": 32.0, "layers": 2.0, "step": 0.5, "flag": true, "note": "x",
        ])
        #expect(checked == ["rate": 1.0, "size": 32, "layers": 2, "step": 0.5, "flag": true, "note": "x"])
    }

    @Test(
        arguments: [
            ("rat", 0.1, #"there is no hyperparameter "rat" in the space; did you mean "rate"?"#),
            (
                "zzzz", 1,
                #"there is no hyperparameter "zzzz" in the space; there are "rate", "size", "layers", "step", "flag", "note""#
            ),
            ("rate", "fast", #"hyperparameter "rate" must be a finite number, not "fast""#),
            ("rate", .number(.nan), #"hyperparameter "rate" must be a finite number, not .nan"#),
            ("rate", 2, #"hyperparameter "rate" must be between 0.0001 and 1.0, not 2"#),
            ("size", 33, #"hyperparameter "size" must be one of 32, 64, not 33"#),
            ("layers", 1.5, #"hyperparameter "layers" must be an integer, not 1.5"#),
            ("layers", 9, #"hyperparameter "layers" must be between 1 and 8, not 9"#),
            ("step", 0.3, #"hyperparameter "step" must be a multiple of 0.25 from 0.0, not 0.3"#),
            ("flag", 1, #"hyperparameter "flag" must be true or false, not 1"#),
            ("note", "y", #"hyperparameter "note" must be "x", not "y""#),
        ] as [(String, Value, String)])
    func `what the space does not allow is refused`(name: String, value: Value, message: String) {
        #expect(throws: PBTError(.badValue, message)) { try space.checked(Hyperparameters([name: value])) }
    }

    @Test func `a value typed with few digits is still on the grid`() throws {
        let space: SearchSpace = ["x": .uniform(0...1, quantum: 0.1)]
        #expect(try space.checked(["x": 0.3])["x"] == 0.3)
    }
}
