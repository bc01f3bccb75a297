// SPDX-License-Identifier: Apache-2.0

import PBT
import Testing

@Suite struct `The bounds of a definition` {
    private static let base: [String: Value] = [
        "name": "e", "population": 2, "intervals": 3, "objective": ["metric": "m", "goal": "maximize"],
        "space": ["x": ["uniform": [0, 1]]],
    ]

    private static func read(_ change: Value, isStored: Bool = false) throws -> Experiment {
        let value = Value.object(base.merging(change.object ?? [:]) { $1 })
        return try Experiment(document: Document(value), directory: "/", isStored: isStored)
    }

    private static func space(_ dimension: Value) -> Value { ["space": ["x": dimension]] }
    private static let most = Value.integer(.max)

    /// Beyond a bound, and what is said about it.
    static let beyond: [(change: Value, problem: String)] = [
        (["keep": ["best": most]], "keep.best: must be between 1 and 1000000, not 9223372036854775807"),
        (["keep": ["last": most]], "keep.last: must be between 1 and 1000000, not 9223372036854775807"),
        (["stop": ["after": "40000d"]], "stop.after: must be at most 36500d (100 years)"),
        (["synchronous": ["deadline": 4e9]], "synchronous.deadline: must be at most 36500d (100 years)"),
        (["command": ["a"], "grace": "40000d"], "grace: must be at most 36500d (100 years)"),
        (
            ["command": ["a", .string(String(repeating: "b", count: 131_072))]],
            "command[1]: must have at most 131071 bytes, not 131072"
        ),
        (
            ["command": ["a"], "workers": 1, "gpus": .array((0..<4097).map { .integer($0) })],
            "gpus: must have at most 4096 devices"
        ),
        (
            space(["log_uniform": [.number(.leastNonzeroMagnitude), 1e308]]),
            "space.x.log_uniform: each number must be between 1e-300 and 1e300, not 5e-324"
        ),
        (space(["uniform": [0, 1.7e308]]), "space.x.uniform: each number must be between -1e300 and 1e300"),
        (space(["normal": [0, 1e301]]), "space.x.normal: each number must be between -1e300 and 1e300"),
        (space(["log_normal": [700, 1]]), "space.x.log_normal: its mean must be between -690 and 690, not 700.0"),
        (space(["log_normal": [0, 300]]), "space.x.log_normal: its standard deviation must be between 0 and 100"),
        (space(["uniform": [0, 1], "bounds": [-1e305, 1]]), "space.x.bounds: each number must be between"),
        (space(["uniform": [0, 1e9], "quantum": 1e-9]), "space.x.quantum: must be at least 8.882e-7 here, not 1e-9"),
        (
            space(["choice": .array((0..<10_001).map { .integer($0) })]),
            "space.x.choice: must have at most 10000 values"
        ),
        (
            space(["choice": [1, 2], "weights": [1e308, 1e308]]),
            "space.x.weights: each weight must be between 0 and 1e100"
        ),
        (space(["constant": nested(65)]), "space.x.constant: must not be nested deeper than 64"),
        (["explore": ["perturb": [0.8, 1e300]]], "explore.perturb: each factor must be between 1e-6 and 1000000"),
        (["explore": ["perturb": ["uniform": [1e-300, 1]]]], "explore.perturb: each factor must be between"),
        (
            ["objective": ["metric": .string(String(repeating: "m", count: 257)), "goal": "maximize"]],
            "objective.metric: must have at most 256 bytes, not 257"
        ),
        (["population": 1_000_001], "population: must be at most 1000000, not 1000001"),
    ]

    private static func nested(_ depth: Int) -> Value {
        depth == 0 ? 1 : [nested(depth - 1)]
    }

    @Test(arguments: beyond) func `are said where a number is beyond`(_ change: Value, _ problem: String) throws {
        do {
            _ = try Self.read(change)
            Issue.record("it was read: \(change.json.prefix(200))")
        } catch let error as DocumentError {
            #expect(error.description.hasPrefix(problem), "\(error)")
        }
    }

    @Test(arguments: beyond) func `hold for no definition that a store has already`(
        _ change: Value, _ problem: String
    ) throws {
        let experiment = try Self.read(change, isStored: true)
        let again = try Experiment(
            document: Document(Value(json: experiment.value.json)), directory: "/", isStored: true)
        #expect(again == experiment)
        // Whatever is drawn and counted, nothing overflows.
        for member in 0..<min(50, experiment.population) {
            for (name, value) in experiment.founder(member).values {
                #expect(value.double?.isFinite ?? true, "\(name) is \(value)")
            }
        }
        var record = ExperimentRecord(
            id: 1, experiment: experiment, state: .running, created: epoch, counts: [:], membersEnded: 0, skipped: 0,
            failuresInARow: 0, finishedIntervals: 0, generation: 0, generationBegan: epoch)
        record.experiment.population = .max
        #expect(record.intervalsPlanned == .max)
    }

    @Test func `say their line`() throws {
        let keep = Document(
            .object([.init(name: "best", line: 9, content: Document(.scalar(.integer(.max)), line: 9))]), line: 9)
        var entries: [Document.Entry] = []
        guard case .object(let given) = Document(.object(Self.base)).content else { return }
        entries = given + [.init(name: "keep", line: 8, content: keep)]
        #expect(
            throws: DocumentError(line: 9, path: "keep.best", problem: "must be between 1 and 1000000, not \(Int.max)")
        ) { try Experiment(document: Document(.object(entries), line: 1), directory: "/") }
    }

    /// At a bound, and so within.
    static let within: [Value] = [
        ["keep": ["best": 1_000_000, "last": 1_000_000]], ["stop": ["after": "36500d"]],
        space(["log_uniform": [1e-300, 1e300]]), space(["uniform": [-1e300, 1e300]]),
        space(["uniform": [-1e300, 1e300], "quantum": 1e299]), space(["normal": [1e300, 1e300]]),
        space(["log_normal": [690, 100]]), space(["log_normal": [-690, 100], "bounds": [1e-300, 1e300]]),
        space(["integer": [-9_007_199_254_740_992, 9_007_199_254_740_992]]),
        space(["log_integer": [1, 9_007_199_254_740_992]]),
        space(["choice": [1, 2], "weights": [1e100, 1e100]]), space(["constant": nested(64)]),
        [
            "explore": ["perturb": [1e-6, 1e6]],
            "space": ["x": ["uniform": [-1e300, 1e300]], "n": ["integer": [-5, 5]]],
        ],
        ["explore": ["ray": ["factors": [1e6], "resample": 0.5]], "space": ["x": ["log_uniform": [1e-300, 1e300]]]],
    ]

    @Test(arguments: within) func `let values through whose draws and changes are finite and legal`(
        _ change: Value
    ) throws {
        let experiment = try Self.read(change)
        #expect(try Experiment(document: Document(experiment.value), directory: "/") == experiment)
        let isBounded = if case .ray = experiment.explore.kind { false } else { true }
        for member in 0..<200 {
            var values = experiment.founder(member)
            for index in 1...4 {
                for name in experiment.space.names {
                    let dimension = try #require(experiment.space[name])
                    let value = try #require(values[name])
                    #expect(!isBounded || dimension.complaint(about: value) == nil, "\(name): \(value)")
                    #expect(value.double?.isFinite ?? true, "\(name): \(value)")
                    var random = RandomStream(seed: 1, .explore, member: member, index: index, name: name)
                    values[name] = dimension.explored(from: value, by: experiment.explore, using: &random).value
                }
            }
        }
    }

    @Test func `hold for what Swift puts together`() async throws {
        let experiment = Experiment(
            "e", objective: .maximize("m"), population: 1, intervals: 1, space: ["n": .integer(Int.min...Int.max)],
            keep: .init(best: .max, last: .max))
        await #expect(throws: PBTError.self) { try await InMemoryStore().create(experiment) }
        // Drawn directly, it is a number of the range all the same.
        let drawn = Set((0..<100).map { experiment.space.sample(seed: 1, member: $0, index: 0)["n"] })
        #expect(drawn.count == 100)
    }
}
