// SPDX-License-Identifier: Apache-2.0

import PBT
import Testing

/// Spaces with random conditions, constraints, and grids.
@Suite("Dependent hyperparameters") struct DependencyTests {
    private static let constraints = [
        "batch >= 2 * mini", "low < high", "low + high <= 1.5", "units2 <= 4 * batch", "momentum >= low / 2",
        "rate * batch < 40", "tau != 0.5", "units2 - units3 >= 8", "betas[0] < betas[1]",
        "sizes[0]+sizes[2] >= sizes[1]",
    ]

    private static func experiment(_ number: UInt64, explore: ExploreRule) throws -> Experiment {
        var random = RandomStream(seed: number, .sample, member: 0, index: 0, name: "space")
        func chance() -> Bool { random.index(below: 2) == 0 }
        func maybe(_ dimension: Dimension) -> Dimension {
            random.index(below: 6) == 0 ? dimension.immutable() : dimension
        }
        let dimensions: [String: Dimension] = [
            "rate": .logUniform(1e-4...1),
            "optimizer": maybe(.choice(["sgd", "nesterov", "adam"], ordered: chance())),
            "momentum": maybe(
                (chance() ? Dimension.reverseLogUniform(0.5...0.99, quantum: 0.01) : .uniform(0.1...0.9, quantum: 0.1))
                    .when("optimizer", is: "sgd", "nesterov")),
            "nested": .boolean.when("optimizer", is: "sgd"),
            "tau": .uniform(0...1, quantum: 0.1).when("nested", is: true).when("layers", is: 2, 3, 4),
            "layers": maybe(.integer(1...4)),
            "units2": .integer(8...64, quantum: 8).when("layers", is: 2, 3, 4),
            "units3": .integer(8...64, quantum: 8).when("layers", is: 3, 4),
            "batch": .logInteger(4...128, quantum: chance() ? 4 : 1), "mini": .integer(1...32),
            "low": .uniform(0...1, quantum: 0.1), "high": .uniform(0...1, quantum: chance() ? 0.05 : nil),
            "note": .constant("x").when("optimizer", is: "adam"),
            "betas": maybe(.reverseLogUniform(0.5...0.99, quantum: 0.01)).when("optimizer", is: "adam").array(
                length: 2),
            "sizes": .integer(1...9).array(length: 3), "warm": .boolean.when("sizes[1]", is: 1, 2, 3),
        ]
        var space = SearchSpace(dimensions)
        for constraint in constraints where chance() { space = try space.constrained(by: constraint) }
        return Experiment.sample(
            population: 8, intervals: 8, seed: number, space: space, exploit: .truncation(0.25), explore: explore)
    }

    /// Returns the problems of hyperparameters.
    private static func problems(_ values: Hyperparameters, in space: SearchSpace, onGrid: Bool = true) -> [String] {
        var problems = space.violated(by: values.values).map { "violates \($0): \(values)" }
        for name in space.names {
            guard let dimension = space[name] else { continue }
            let applies = dimension.condition?.isMet(by: values.values) ?? true
            if applies != (values[name] != nil) { problems.append("\(name) applies: \(applies), in \(values)") }
            guard let value = values[name], onGrid else { continue }
            if let complaint = dimension.complaint(about: value) { problems.append("\(name) \(complaint)") }
            if dimension.normalized(value) != value { problems.append("\(name) is \(value)") }
            if case .real(let real) = dimension.domain, real.quantum != nil, value.json.count > 4 {
                problems.append("\(name) is written \(value.json)")
            }
        }
        return problems + values.names.filter { space[$0] == nil }
    }

    private static let explores: [ExploreRule] = [
        .perturb(), .perturb(by: [0.5, 2], resampling: 0.25), .resample, .none, .step(), .step(from: 0.05, to: 0.5),
        .perturb(by: [0.5, 2]).keepingCategories(0.7), .ray(),
    ]

    @Test(arguments: 0..<25)
    func `founders and restarts of random spaces are legal`(_ number: Int) throws {
        let experiment = try Self.experiment(UInt64(number), explore: .perturb())
        var problems: [String] = []
        for member in 0..<200 {
            problems += Self.problems(experiment.founder(member), in: experiment.space)
            problems += Self.problems(
                experiment.space.sample(seed: 3, member: member, index: 7), in: experiment.space)
        }
        #expect(problems == [])
    }

    @Test(arguments: 0..<8)
    func `every interval of troubled runs is legal, and derived again from the rows, bit for bit`(
        _ rule: Int
    ) async throws {
        var (explored, operations) = (0, [String: Int]())
        for number in 0..<12 {
            let experiment = try Self.experiment(UInt64(100 * rule + number), explore: Self.explores[rule])
            let (record, intervals) = try await TroubledRun(experiment: experiment, seed: UInt64(number)).finished()
            let problems = intervals.flatMap { interval in
                // Ray's rule ignores bounds and grids.
                Self.problems(
                    interval.hyperparameters, in: experiment.space, onGrid: Self.explores[rule] != .ray())
            }
            #expect(problems == [])
            for interval in intervals where interval.isExploit {
                explored += 1
                for change in interval.changes { operations[change.operation, default: 0] += 1 }
            }
            let audit = try Audit(experiment: record.experiment, intervals: intervals)
            #expect(audit.mismatches == [])
        }
        #expect(explored > 50)
        if ![3].contains(rule) {
            #expect(operations["activated", default: 0] + operations["deactivated", default: 0] > 0)
        }
    }

    @Test(arguments: 0..<25)
    func `a stored definition reads back, in the order of the file`(_ number: Int) throws {
        let experiment = try Self.experiment(UInt64(number), explore: .perturb())
        let order = Array(experiment.space.definedNames.reversed())
        var shuffled = experiment
        let definitions = try order.map { name in
            let definition = try #require(experiment.space.definition(of: name))
            return (name, experiment.space.arrays[name].map { definition.array(length: $0) } ?? definition)
        }
        var space = SearchSpace(Dictionary(uniqueKeysWithValues: definitions), order: order)
        for constraint in experiment.space.constraints { space = try space.constrained(by: constraint.text) }
        shuffled.space = space
        let read = try Experiment(document: Document(Value(json: shuffled.value.json)), directory: "/", isStored: true)
        #expect(read.space == experiment.space && read.space.definedNames == order)
        #expect(read.founder(3) == experiment.founder(3))
    }

    @Test func `an edit that adds a condition and a constraint leads to legal values`() async throws {
        let before: SearchSpace = [
            "optimizer": .choice(["sgd", "adam"]), "momentum": .uniform(0...0.9), "a": .uniform(0...1),
            "b": .uniform(0...1), "rate": .logUniform(1e-3...1),
        ]
        var dimensions = before.dimensions
        dimensions["momentum"] = Dimension.uniform(0...0.9).when("optimizer", is: "sgd")
        dimensions["beta"] = Dimension.uniform(0...0.9).when("optimizer", is: "adam")
        var revised = Experiment.sample(population: 8, space: before)
        revised.space = try SearchSpace(dimensions).constrained(by: "a < b")
        let old = Experiment.sample(population: 8, space: before)
        let population = old.population(scores: (0..<8).map(Double.init))
        for member in 0..<8 {
            let interval = old.trained(member, score: Double(member))
            let decision = try revised.decide(after: interval, in: population, at: epoch, revised: true)
            guard let next = decision.next else { continue }
            let isSGD = next.hyperparameters["optimizer"] == "sgd"
            #expect((next.hyperparameters["momentum"] != nil) == isSGD)
            #expect((next.hyperparameters["beta"] != nil) == !isSGD)
            // Continuing members keep their values until explore changes them.
            if decision.donor != nil { #expect(revised.space.violated(by: next.hyperparameters.values).isEmpty) }
        }
    }

    @Test func `advice names constraints that hardly any draw satisfies, ends off the grid, and idle conditions`()
        throws
    {
        let document = Document([
            "name": "x", "objective": ["metric": "m", "goal": "max"], "population": 8, "intervals": 3,
            "space": [
                "a": ["uniform": [0, 1], "quantum": 0.3], "b": ["uniform": [0, 1]], "kind": ["constant": "mlp"],
                "size": ["integer": [1, 8], "quantum": 4], "depth": ["integer": [1, 4]],
                "kernel": ["uniform": [0.5, 1], "when": ["kind": "cnn"]],
                "width": ["integer": [8, 16], "mutable": false, "when": ["depth": 4]],
            ],
            "constraints": ["a > 40 * b", "a < 2 * b + 0.95"], "explore": "none",
        ])
        let advice = try Experiment(document: document, directory: "/").advice(in: document).map(\.description)
        #expect(advice.count == 5, "\(advice)")
        func has(_ text: String) -> Bool { advice.contains { $0.contains(text) } }
        #expect(has("space.a: 1 is not on the grid of 0.3 from 0; the nearest value on it is 0.9"))
        #expect(has("space.size: 8 is not on the grid of 4 from 1; the nearest value on it is 5"))
        #expect(has("space.kernel: never applies, since kind is always \"mlp\""))
        #expect(has("space.width: is not mutable, but explore may change depth, which it depends on; write mutable"))
        #expect(has("constraints[0]: \"a > 40 * b\" is satisfied by"))
    }
}

@Suite("Decimal grids") struct DecimalGridTests {
    @Test(
        arguments: [
            (.uniform(0.1...1.0, quantum: 0.1), 3), (.uniform(-2...2, quantum: 0.05), 5),
            (.logUniform(0.0001...0.1, quantum: 0.0001), 6), (.reverseLogUniform(0.5...0.999, quantum: 0.001), 5),
            (.normal(mean: 0, deviation: 3, bounds: -99...99, quantum: 0.1), 5),
            (.uniform(1e-18...1e-16, quantum: 1e-18), 7),
            (.uniform(1e-25...1e-23, quantum: 1e-25), 7), (.uniform(100.01...200, quantum: 0.01), 6),
        ] as [(Dimension, Int)])
    func `are written in short, after any chain of explores, and move by at least one step`(
        _ dimension: Dimension, _ characters: Int
    ) {
        let rules: [ExploreRule] = [
            .perturb(), .perturb(by: [1.001, 0.999]), .step(by: [1e-6, 0.1]),
            .perturb(from: 0.5, to: 2, resampling: 0.2),
        ]
        var long: Set<String> = []
        for chain in 0..<200 {
            var random = RandomStream.trial(chain)
            var value = dimension.sample(using: &random)
            for _ in 0..<20 {
                let explored = dimension.explored(from: value, by: rules[chain % rules.count], using: &random)
                if !explored.isClipped, explored.operation != "resampled" { #expect(explored.value != value) }
                value = explored.value
                if value.json.count > characters { long.insert(value.json) }
            }
        }
        #expect(long.isEmpty)
    }

    @Test func `a value given by hand is the point that it is nearly equal to`() throws {
        let space: SearchSpace = ["x": .uniform(0...1, quantum: 0.1)]
        #expect(try space.checked(["x": .number(0.1 + 0.2)])["x"]?.json == "0.3")
        #expect(throws: PBTError.self) { try space.checked(["x": 0.35]) }
    }
}
