// SPDX-License-Identifier: Apache-2.0

import PBT
import Testing

/// Where chains of explores lead, from many founders.
private func visited(
    _ dimension: Dimension, by rule: ExploreRule, chains: Int = 200, steps: Int = 200
) -> [[Value]] {
    (0..<chains).map { chain in
        var random = RandomStream.trial(chain)
        var value = dimension.sample(using: &random)
        return (0..<steps).map { _ in
            value = dimension.explored(from: value, by: rule, using: &random).value
            return value
        }
    }
}

/// The operations and values that one explore leads to, over many draws.
private func reached(
    _ dimension: Dimension, from value: Value, by rule: ExploreRule, draws: Int = 400
) -> [String: Set<Value>] {
    var reached: [String: Set<Value>] = [:]
    for number in 0..<draws {
        var random = RandomStream.trial(number)
        let explored = dimension.explored(from: value, by: rule, using: &random)
        reached[explored.operation + (explored.isClipped ? " clipped" : ""), default: []].insert(explored.value)
    }
    return reached
}

private func expectClose(_ value: Value?, _ number: Double) {
    #expect(((value?.double ?? .nan) / number - 1).magnitude < 1e-12, "\(value ?? .null), not \(number)")
}

@Suite("Reverse-log-uniform") struct ReverseLogTests {
    @Test func `founders are uniform in log(1 - x)`() {
        var decades = [0, 0, 0]
        for number in 0..<9000 {
            var random = RandomStream.trial(number)
            let value = Dimension.reverseLogUniform(0.9...0.9999).sample(using: &random).double ?? .nan
            #expect((0.9...0.9999).contains(value))
            decades[min(2, max(0, Int((-Mathematics.log10(1 - value) - 1).rounded(.down))))] += 1
        }
        #expect(decades.allSatisfy { ($0 - 3000).magnitude < 250 }, "\(decades)")
    }

    @Test func `the distance to 1 is multiplied`() {
        let gamma = Dimension.reverseLogUniform(0.9...0.9999)
        let moves = reached(gamma, from: 0.99, by: .perturb())
        #expect(Set(moves.keys) == ["1-x ×0.8", "1-x ×1.25"])
        expectClose(moves["1-x ×0.8"]?.first, 0.992)
        expectClose(moves["1-x ×1.25"]?.first, 0.9875)
    }

    @Test func `a value at a bound stays there, said to be clipped, or comes back`() {
        let gamma = Dimension.reverseLogUniform(0.9...0.999)
        let moves = reached(gamma, from: 0.999, by: .perturb())
        #expect(moves["1-x ×0.8 clipped"] == [0.999])
        expectClose(moves["1-x ×1.25"]?.first, 0.99875)
    }

    @Test func `factors do not drift, and a tenth of the explores is clipped where it is all with a linear scale`() {
        let reverse = visited(.reverseLogUniform(0.9...0.999), by: .perturb()).joined().compactMap(\.double)
        // The middle of log(1 - x).
        let upper = reverse.count { $0 > 0.99 }
        #expect((Double(upper) / Double(reverse.count) - 0.5).magnitude < 0.05)
        let atBound = reverse.count { $0 == 0.9 || $0 == 0.999 }
        #expect(Double(atBound) / Double(reverse.count) < 0.12)
        let linear = visited(.uniform(0.9...0.999), by: .perturb()).joined().compactMap(\.double)
        #expect(linear.allSatisfy { $0 == 0.9 || $0 == 0.999 })
    }

    @Test func `a number below 0 has a place too`() {
        let wide = Dimension.reverseLogUniform(-1...0.5)
        expectClose(reached(wide, from: -0.5, by: .perturb())["1-x ×0.8"]?.first, -0.2)
    }
}

@Suite("Steps relative to the range") struct StepTests {
    @Test func `a number moves by a share of its range, on its scale`() {
        let linear = reached(.uniform(0...10), from: 5.0, by: .step())
        #expect(linear == ["+10% of range": [6.0], "-10% of range": [4.0]])
        let logarithmic = reached(.logUniform(1e-4...1), from: 0.01, by: .step(by: [0.25]))
        expectClose(logarithmic["+25% of range"]?.first, 0.1)
        expectClose(logarithmic["-25% of range"]?.first, 0.001)
        let reverse = reached(.reverseLogUniform(0.9...0.999), from: 0.99, by: .step(by: [0.5]))
        expectClose(reverse["+50% of range"]?.first, 0.999)
        expectClose(reverse["-50% of range"]?.first, 0.9)
        // Four standard deviations.
        #expect(
            reached(.normal(mean: 0, deviation: 1), from: 0.0, by: .step(by: [0.25])).values.flatMap { $0 }.count == 2)
        #expect(
            reached(.normal(mean: 0, deviation: 1), from: 0.0, by: .step(by: [0.25]))["+25% of range"] == [1.0])
    }

    @Test func `0 and numbers below move like others`() {
        #expect(
            reached(.uniform(-1...1), from: 0.0, by: .step()) == ["+10% of range": [0.2], "-10% of range": [-0.2]])
        #expect(
            reached(.uniform(0...1), from: 0.0, by: .step()) == [
                "+10% of range": [0.1], "-10% of range clipped": [0.0],
            ])
    }

    @Test func `the range is that of founders, also if bounds are wider`() {
        #expect(reached(.uniform(0...1, bounds: -10...10), from: 1.0, by: .step())["+10% of range"] == [1.1])
    }

    @Test func `integers, grids and ordered choices move by at least one place`() {
        #expect(reached(.integer(0...4), from: 2, by: .step()) == ["+10% of range": [3], "-10% of range": [1]])
        #expect(
            reached(.integer(0...100), from: 50, by: .step(by: [0.2])).values.reduce([]) { $0.union($1) } == [30, 70])
        #expect(
            reached(.integer(0...100, quantum: 25), from: 50, by: .step(by: [0.01])).values.reduce([]) { $0.union($1) }
                == [25, 75])
        #expect(
            reached(.uniform(0...1, quantum: 0.25), from: 0.5, by: .step(by: [0.01])).values.reduce([]) { $0.union($1) }
                == [0.25, 0.75])
        let sizes = Dimension.choice([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11], ordered: true)
        #expect(reached(sizes, from: 6, by: .step()) == ["+1": [7], "-1": [5]])
        #expect(reached(sizes, from: 6, by: .step(by: [0.3])) == ["+3": [9], "-3": [3]])
        #expect(reached(sizes, from: 2, by: .step(by: [0.3])) == ["+3": [5], "-3 clipped": [1]])
    }

    @Test func `a share drawn from a range is one of it`() {
        let values = reached(.uniform(0...1), from: 0.5, by: .step(from: 0.1, to: 0.2)).values.joined().compactMap(
            \.double)
        #expect(values.count > 300)
        #expect(values.allSatisfy { (0.1...0.2).contains(($0 - 0.5).magnitude) })
    }

    @Test func `steps do not drift`() {
        for dimension in [Dimension.uniform(2...3), .logUniform(1e-5...1), .reverseLogUniform(0.9...0.999)] {
            guard case .real(let real) = dimension.domain else { continue }
            let scale = real.explorationScale
            let low = scale.position(of: real.bounds.lowerBound)
            let shares = visited(dimension, by: .step(by: [0.03])).joined().compactMap(\.double).map {
                (scale.position(of: $0) - low) / real.width
            }
            #expect((shares.reduce(0, +) / Double(shares.count) - 0.5).magnitude < 0.03)
        }
    }

    @Test func `free numbers step on the scale of their founders, without bounds; what has no scale is kept`() {
        #expect(reached(.free(.uniform(0...1)), from: 1.0, by: .step())["+10% of range"] == [1.1])
        #expect(reached(.free(.logUniform(0.1...1)), from: -3.0, by: .step()) == ["kept": [-3.0]])
        #expect(reached(.free(), from: 2.0, by: .step()) == ["kept": [2.0]])
    }
}

@Suite("Integers with a step") struct IntegerGridTests {
    @Test(arguments: [
        (Dimension.integer(8...64, quantum: 8), [8, 16, 24, 32, 40, 48, 56, 64]),
        (.integer(1...20, quantum: 6), [1, 7, 13, 19]),
        (.integer(-3...9, bounds: -7...20, quantum: 5), [-7, -2, 3, 8, 13, 18]),
        (.logInteger(4...64, quantum: 4), Array(stride(from: 4, through: 64, by: 4))),
    ])
    func `founders and explores reach every point of the grid, and no other`(_ dimension: Dimension, _ points: [Int]) {
        guard case .integer(let integers) = dimension.domain else { return }
        let founders = Set(
            (0..<4000).compactMap { number in
                var random = RandomStream.trial(number)
                return dimension.sample(using: &random).int
            })
        #expect(founders.sorted() == points.filter { integers.range.contains($0) })
        for rule in [ExploreRule.perturb(), .step(from: 0.02, to: 0.2), .perturb(by: [0.5, 2])] {
            let explored = Set(visited(dimension, by: rule).joined().compactMap(\.int))
            #expect(explored.isSubset(of: points))
            if rule == .step(from: 0.02, to: 0.2) { #expect(explored.sorted() == points) }
        }
    }

    @Test func `founders are equally likely, in the logarithm if asked`() {
        var counts: [Int: Int] = [:]
        for number in 0..<8000 {
            var random = RandomStream.trial(number)
            counts[Dimension.integer(8...64, quantum: 8).sample(using: &random).int ?? 0, default: 0] += 1
        }
        #expect(counts.count == 8 && counts.values.allSatisfy { ($0 - 1000).magnitude < 150 })
    }

    @Test func `what is off the grid is refused, or moved to the nearest point`() {
        let sizes = Dimension.integer(8...60, quantum: 8)
        #expect(sizes.complaint(about: 16) == nil)
        #expect(sizes.complaint(about: 20) == "must be 8 plus a multiple of 8, not 20")
        #expect(sizes.nearestLegal(to: 21) == 24)
        #expect(sizes.nearestLegal(to: 1000) == 56)
        #expect(reached(sizes, from: 56, by: .perturb())["×1.25 clipped"] == [56])
    }
}

@Suite("Kept categories") struct KeptCategoryTests {
    @Test func `a boolean and an unordered choice keep the donor's value with the probability, and nothing else does`()
    {
        let rule = ExploreRule.perturb().keepingCategories(0.75)
        for dimension in [Dimension.boolean, .choice([true, "b", "c"])] {
            let kept = (0..<10000).count { number in
                var random = RandomStream.trial(number)
                return dimension.explored(from: true, by: rule, using: &random).operation == "kept"
            }
            #expect((kept - 7500).magnitude < 200)
        }
        #expect(reached(.uniform(0...1), from: 0.4, by: rule) == reached(.uniform(0...1), from: 0.4, by: .perturb()))
        let ordered = Dimension.choice([1, 2, 3], ordered: true)
        #expect(reached(ordered, from: 2, by: rule) == ["+1": [3], "-1": [1]])
    }

    @Test func `without a probability the draws are as they were`() {
        for number in 0..<200 {
            var (one, other) = (RandomStream.trial(number), RandomStream.trial(number))
            let kinds = Dimension.choice(["a", "b", "c"])
            #expect(
                kinds.explored(from: "a", by: .perturb(), using: &one)
                    == kinds.explored(from: "a", by: .perturb().keepingCategories(0), using: &other))
            #expect(one.next() == other.next())
        }
    }

    @Test func `with probability 1 a category never changes`() {
        #expect(
            reached(.choice(["a", "b"]), from: "a", by: .perturb().keepingCategories(1)) == ["kept": ["a"]])
    }
}

@Suite("Clipped changes") struct ClippedTests {
    @Test func `a change says that it was clipped, and its operation stays as it was`() {
        let change = Change(name: "momentum", old: 0.9, operation: "×1.25", new: 0.9999, isClipped: true)
        #expect(change.label == "×1.25 (clipped)")
        #expect(change.value["operation"] == "×1.25")
        #expect(change.value["clipped"] == true)
        #expect(Change(value: change.value) == change)
    }

    @Test func `the JSON of a change that was not clipped is as it was`() {
        let change = Change(name: "lr", old: 0.1, operation: "×0.8", new: 0.08)
        #expect(change.value == ["name": "lr", "old": 0.1, "operation": "×0.8", "new": 0.08])
        #expect(change.label == "×0.8")
        #expect(Change(value: change.value) == change)
    }

    @Test func `reaching a bound exactly is not clipped, a rounding error does not count`() {
        #expect(reached(.uniform(0...1), from: 0.8, by: .perturb())["×1.25"] == [1.0])
        #expect(reached(.uniform(0...1), from: 0.9, by: .perturb())["×1.25 clipped"] == [1.0])
        let logarithmic = Dimension.logUniform(1e-5...1)
        var value: Value = 1e-5
        for _ in 0..<10 { value = reached(logarithmic, from: value, by: .step())["+10% of range"]?.first ?? .null }
        #expect(((value.double ?? 0) - 1).magnitude < 1e-9)
    }

    @Test func `a decision records it`() throws {
        let experiment = Experiment.sample(
            space: ["momentum": .uniform(0.9...0.99)], exploit: .truncation(0.25), explore: .perturb(by: [2]))
        let changes = try experiment.decisions(scores: [1, 2, 3, 4, 5, 6, 7, 8]).compactMap(\.next).flatMap(\.changes)
        #expect(changes.count == 2)
        #expect(changes.allSatisfy { $0.isClipped && $0.new == 0.99 && $0.operation == "×2" })
    }
}

@Suite("Explore rules in a file") struct ExploreRuleReadingTests {
    private func experiment(_ extra: [String: Value]) throws -> Experiment {
        var object: [String: Value] = [
            "name": "x", "objective": ["metric": "m", "goal": "maximize"], "population": 4, "intervals": 3,
            "space": [
                "gamma": ["reverse_log_uniform": [0.9, 0.999], "bounds": [0.5, 0.9999]],
                "batch": ["integer": [8, 256], "quantum": 8], "units": ["log_integer": [32, 512], "quantum": 32],
                "lr": ["log_uniform": [1e-4, 1], "explore": ["step": [0.05, 0.1], "resample": 0.1]],
            ],
        ]
        object.merge(extra) { $1 }
        return try Experiment(document: Document(.object(object)), directory: "/work")
    }

    private static let keeping: (Value, ExploreRule) = (
        ["perturb": [0.5, 2.0], "keep_categories": 0.8], ExploreRule.perturb(by: [0.5, 2]).keepingCategories(0.8)
    )

    private static let rules: [(Value, ExploreRule)] = [
        (["step": 0.1], .step()), ("step", .step()), (["step": [0.05, 0.2]], .step(by: [0.05, 0.2])),
        (["step": ["uniform": [0.05, 0.2]], "resample": 0.25], .step(from: 0.05, to: 0.2, resampling: 0.25)),
        keeping,
    ]

    @Test(arguments: rules)
    func `are read, and written as they read`(_ text: Value, _ rule: ExploreRule) throws {
        let experiment = try experiment(["explore": text])
        #expect(experiment.explore == rule)
        #expect(experiment.space["gamma"] == .reverseLogUniform(0.9...0.999, bounds: 0.5...0.9999))
        #expect(experiment.space["batch"] == .integer(8...256, quantum: 8))
        #expect(experiment.space["units"] == .logInteger(32...512, quantum: 32))
        #expect(experiment.space["lr"]?.explore == .step(by: [0.05, 0.1], resampling: 0.1))
        #expect(try Experiment(document: Document(experiment.value), directory: "/") == experiment)
    }

    @Test(
        arguments: [
            (["step": 0], "explore.step: must be a share of the range, for example 0.1, or a list of them, not 0"),
            (["step": 2], "explore.step: must be a share of the range, for example 0.1, or a list of them, not 2"),
            (["step": 0.1, "perturb": [0.8]], "explore.step: cannot be combined with perturb"),
            (
                ["resample": 0.1, "keep_categories": 0.5],
                "explore.keep_categories: requires perturb or step; resample has a probability of its own"
            ),
            (
                ["perturb": [0.8], "keep_categories": 1.5],
                "explore.keep_categories: must be a probability between 0 and 1, not 1.5"
            ),
            (["step": 1e-9], "explore.step: each step must be between 1e-6 and 1, not 1e-09"),
        ] as [(Value, String)])
    func `that cannot be are refused`(_ text: Value, _ message: String) throws {
        let error = #expect(throws: DocumentError.self) { try experiment(["explore": text]) }
        #expect(error.map { "\($0.path): \($0.problem)" } == message)
    }

    @Test(
        arguments: [
            (["integer": [8, 12], "quantum": 8], "space.n.quantum: must be at most 4, the width of the range, not 8"),
            (["integer": [8, 12], "quantum": 0], "space.n.quantum: must be at least 1, not 0"),
            (
                ["reverse_log_uniform": [0.9, 0.99], "bounds": [0.5, 1]],
                "space.n.bounds: must be below 1 for reverse_log_uniform"
            ),
            (
                ["reverse_log_uniform": [0.9, 1]],
                "space.n.reverse_log_uniform: needs numbers below 1, not 1, for example [0.9, 0.999]"
            ),
            (["choice": [1, 2], "quantum": 1], "space.n.quantum: cannot be combined with choice"),
        ] as [(Value, String)])
    func `of a space have their messages`(_ dimension: Value, _ message: String) throws {
        let error = #expect(throws: DocumentError.self) { try experiment(["space": ["n": dimension]]) }
        #expect(error.map { "\($0.path): \($0.problem)" } == message)
    }
}
