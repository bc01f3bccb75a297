// SPDX-License-Identifier: Apache-2.0

import PBT
import Testing

@Suite("A nested space") struct NestedSpaceTests {
    private static func experiment(
        space: Value, initial: Value = [], command: Value = ["./t.sh"]
    ) throws -> Experiment {
        try Experiment(
            document: Document([
                "name": "x", "objective": ["metric": "m", "goal": "maximize"], "population": 4, "intervals": 3,
                "space": space, "initial": initial, "command": command,
            ]), directory: "/work")
    }

    private static let space: Value = [
        "gamma": ["uniform": [0.5, 1]], "flat.name": ["uniform": [0, 1]],
        "model": [
            "lr": ["log_uniform": [1e-5, 0.1]], "layers": ["integer": [1, 4], "mutable": false],
            "head": ["bias": "boolean"],
        ],
    ]

    @Test func `groups are flat names with dots inside, and objects for the trainer`() throws {
        let space = try Self.experiment(space: Self.space).space
        #expect(space.names == ["flat.name", "gamma", "model.head.bias", "model.layers", "model.lr"])
        #expect(space["model.layers"] == Dimension.integer(1...4).immutable())
        #expect(
            space.nested([
                "flat.name": 1, "gamma": 0.9, "model.head.bias": true, "model.layers": 2, "model.lr": 0.01,
            ]) == [
                "flat.name": 1, "gamma": 0.9,
                "model": ["head": ["bias": true], "layers": 2, "lr": 0.01],
            ])
    }

    @Test func `a definition reads back to the same experiment, and a flat one is written as before`() throws {
        let nested = try Self.experiment(space: Self.space)
        #expect(nested.value["space"]?["model"]?["head"]?["bias"] == ["boolean": true])
        #expect(nested.value["space"]?["flat.name"] != nil)
        #expect(try Experiment(document: Document(nested.value), directory: "/") == nested)
        let flat = try Self.experiment(space: ["model.lr": ["uniform": [0, 1]]])
        #expect(flat.value["space"]?.object?.keys.sorted() == ["model.lr"])
        #expect(flat.space.nested(["model.lr": 1]) == ["model.lr": 1])
    }

    @Test func `a nested hyperparameter is drawn as the flat one of its name`() throws {
        let nested = try Self.experiment(space: ["model": ["lr": ["uniform": [0, 1]]]])
        let flat = try Self.experiment(space: ["model.lr": ["uniform": [0, 1]]])
        #expect(nested.founder(2) == flat.founder(2))
        #expect(nested.differences(from: flat).map(\.key) == ["space"])
    }

    @Test func `initial takes nested and flat names, but not both for one`() throws {
        let experiment = try Self.experiment(
            space: Self.space, initial: [["model": ["lr": 0.01, "head": ["bias": true]]], ["model.lr": 0.02]])
        #expect(experiment.initial == [["model.lr": 0.01, "model.head.bias": true], ["model.lr": 0.02]])
        let error = #expect(throws: DocumentError.self) {
            try Self.experiment(space: Self.space, initial: [["model": ["lr": 0.01], "model.lr": 0.02]])
        }
        #expect(error?.problem == "hyperparameter \"model.lr\" is given twice, nested and flat; keep one")
    }

    @Test(
        arguments: [
            (
                ["a.b": ["uniform": [0, 1]], "a": ["b": ["uniform": [0, 1]]]],
                "space.a.b: is defined twice, nested and as a name with a dot; keep one"
            ),
            (
                ["a_b": ["uniform": [0, 1]], "a": ["b": ["uniform": [0, 1]]]],
                "space.a_b: would share the environment variable PBT_PARAM_A_B with \"a.b\"; rename one"
            ),
            (
                ["optimizer/lr": ["uniform": [0, 1]]],
                "space.optimizer/lr: the name of a hyperparameter consists of letters, digits, '_', '-', and '.', and starts with a letter or '_'; write optimizer.lr: {…}, or nested optimizer: {lr: {…}}"
            ),
            (
                ["model": ["lr": ["log_unifrom": [1, 2]]]],
                "space.model.lr.log_unifrom: unknown key; did you mean \"log_uniform\"?"
            ),
            (
                ["model": ["lr": ["uniform": [0, 1]], "hiddens": [64, 32]]],
                "space.model.hiddens: must be a distribution, for example {uniform: [0, 1]} or {constant: [64,32]}, not [64,32]"
            ),
            (
                ["model": ["choice": ["uniform": [0, 1]], "lr": ["uniform": [0, 1]]]],
                "space.model.choice: a hyperparameter in a group cannot have the name of a distribution; rename it"
            ),
            (
                ["lr": ["loguniform": [1, 2]]],
                "space.lr.loguniform: unknown key; did you mean \"log_uniform\"?"
            ),
            (
                ["lr": ["distribution": "log_uniform", "min": 1, "max": 2]],
                "space.lr.distribution: unknown key; write the distribution's name: {uniform: [LOW, HIGH]}"
            ),
        ] as [(Value, String)])
    func `what cannot be is told with its place and the remedy`(_ space: Value, _ message: String) throws {
        let error = #expect(throws: DocumentError.self) { try Self.experiment(space: space) }
        let first = try #require(error.map { [$0] + $0.more })
        #expect(first.contains { "\($0.path): \($0.problem)" == message }, "\(first)")
    }

    @Test func `an option of a distribution may be the name of a hyperparameter in a group`() throws {
        let space = try Self.experiment(space: [
            "loss": ["weights": ["uniform": [0, 1]]], "lr": ["uniform": [0, 1], "explore": ["perturb": [0.5, 2]]],
        ]).space
        #expect(space.names == ["loss.weights", "lr"])
        #expect(space["lr"]?.explore == .perturb(by: [0.5, 2]))
    }

    @Test func `a number beyond its bounds is told with its line`() throws {
        func entry(_ name: String, _ line: Int, _ content: Document) -> Document.Entry {
            Document.Entry(name: name, line: line, content: content)
        }
        let range = Document(.list([Document(0), Document(.scalar(1e308), line: 7)]), line: 7)
        let lr = Document(.object([entry("uniform", 7, range)]), line: 6)
        let model = Document(.object([entry("lr", 6, lr)]), line: 5)
        let object: [String: Document] = [
            "name": Document("x"), "objective": Document(["metric": "m", "goal": "max"]), "population": Document(1),
            "intervals": Document(1), "space": Document(.object([entry("model", 5, model)]), line: 4),
        ]
        let document = Document(.object(object.map { entry($0.key, 1, $0.value) }), line: 1)
        let error = #expect(throws: DocumentError.self) { try Experiment(document: document, directory: "/") }
        #expect(error?.path == "space.model.lr.uniform")
        #expect(error?.line == 7)
    }

    @Test func `groups nest to a limit`() {
        var space: Value = ["uniform": [0, 1]]
        for _ in 0..<40 { space = ["g": space] }
        let error = #expect(throws: DocumentError.self) { try Self.experiment(space: space) }
        #expect(error?.problem == "is nested deeper than 16 groups")
    }
}

@Suite("Points of a grid") struct GridPointTests {
    @Test(
        arguments: [
            (0.0...1.0, 0.1, [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1]),
            (0.05...1, 0.3, [0.05, 0.35, 0.65, 0.95]),
            (1e-5...5e-5, 1e-5, [1e-5, 2e-5, 3e-5, 4e-5, 5e-5]),
            (-0.3...0.3, 0.1, [-0.3, -0.2, -0.1, 0, 0.1, 0.2, 0.3]),
        ] as [(ClosedRange<Double>, Double, [Double])])
    func `are the decimal numbers that they are written as`(
        _ range: ClosedRange<Double>, _ quantum: Double, _ points: [Double]
    ) throws {
        guard case .real(let real) = Dimension.uniform(range, quantum: quantum).domain else { return }
        let steps = 1000
        let reached = (0...steps).map {
            real.legal(range.lowerBound + Double($0) / Double(steps) * (range.upperBound - range.lowerBound))
        }
        #expect(Set(reached).sorted() == points)
    }

    @Test func `of a step without a short decimal form stay as they are`() throws {
        guard case .real(let real) = Dimension.uniform(0...1, quantum: 1.0 / 3).domain else { return }
        #expect(real.legal(0.7) == 2 * (1.0 / 3))
    }
}
