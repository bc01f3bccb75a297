// SPDX-License-Identifier: Apache-2.0

import PBT
import Testing

@Suite("Conditions") struct ConditionTests {
    static func experiment(
        space: Value, constraints: Value? = nil, initial: Value = [], command: Value = ["t"]
    ) throws -> Experiment {
        var object: [String: Value] = [
            "name": "x", "objective": ["metric": "m", "goal": "maximize"], "population": 8, "intervals": 3,
            "space": space, "initial": initial, "command": command, "exploit": "truncation",
        ]
        object["constraints"] = constraints
        return try Experiment(document: Document(.object(object)), directory: "/work")
    }

    private static func problem(space: Value, initial: Value = []) -> String? {
        let error = #expect(throws: DocumentError.self) { try experiment(space: space, initial: initial) }
        return error.map { "\($0.path): \($0.problem)" }
    }

    private static let space: Value = [
        "optimizer": ["choice": ["sgd", "nesterov", "adam"]],
        "momentum": ["uniform": [0, 0.9], "quantum": 0.1, "when": ["optimizer": ["sgd", "nesterov"]]],
        "nested": ["boolean": true, "when": ["optimizer": "sgd"]],
        "tau": ["uniform": [0, 1], "when": ["nested": true]],
        "layers": ["integer": [1, 3]], "units2": ["integer": [8, 64], "when": ["layers": [2, 3]]],
    ]

    @Test func `a founder has exactly the values whose conditions are met, along chains of them`() throws {
        let experiment = try Self.experiment(space: Self.space)
        var shapes: Set<[String]> = []
        for member in 0..<500 {
            let founder = experiment.founder(member)
            let optimizer = founder["optimizer"]?.string
            #expect((founder["momentum"] != nil) == (optimizer != "adam"))
            #expect((founder["nested"] != nil) == (optimizer == "sgd"))
            #expect((founder["tau"] != nil) == (founder["nested"] == true))
            #expect((founder["units2"] != nil) == (founder["layers"] != 1))
            shapes.insert(founder.names)
        }
        #expect(shapes.count == 8)
    }

    @Test func `a value with a condition is the draw that it would be without`() throws {
        let plain: Value = .object(
            (Self.space.object ?? [:]).mapValues { dimension in
                .object((dimension.object ?? [:]).filter { $0.key != "when" })
            })
        let (conditional, unconditional) = try (
            Self.experiment(space: Self.space), Self.experiment(space: plain)
        )
        for member in 0..<100 {
            let all = unconditional.founder(member)
            #expect(conditional.founder(member).values.allSatisfy { all[$0.key] == $0.value })
        }
    }

    @Test func `a definition reads back to the same experiment, and its words`() throws {
        let experiment = try Self.experiment(space: Self.space)
        #expect(try Experiment(document: Document(experiment.value), directory: "/") == experiment)
        #expect(experiment.value["space"]?["momentum"]?["when"] == ["optimizer": ["sgd", "nesterov"]])
        #expect(experiment.value["space"]?["nested"]?["when"] == ["optimizer": "sgd"])
        #expect(experiment.space["momentum"]?.condition?.clause == "optimizer is \"sgd\" or \"nesterov\"")
        let swift: SearchSpace = [
            "optimizer": .choice(["sgd", "adam"]), "momentum": .uniform(0...0.9).when("optimizer", is: "sgd"),
        ]
        #expect(swift["momentum"]?.condition == Condition(["optimizer": ["sgd"]]))
    }

    @Test func `a name in a group is that of the group, or of one around it`() throws {
        let experiment = try Self.experiment(space: [
            "kind": ["choice": ["mlp", "cnn"]],
            "model": [
                "norm": "boolean", "eps": ["log_uniform": [1e-6, 1e-3], "when": ["norm": true]],
                "kernel": ["integer": [3, 9], "when": ["kind": "cnn"]],
            ],
        ])
        #expect(experiment.space["model.eps"]?.condition == Condition(["model.norm": [true]]))
        #expect(experiment.space["model.kernel"]?.condition == Condition(["kind": ["cnn"]]))
        #expect(try Experiment(document: Document(experiment.value), directory: "/") == experiment)
    }

    @Test(
        arguments: [
            (
                ["a": ["uniform": [0, 1], "when": ["optimiser": "sgd"]], "optimizer": ["choice": ["sgd", "adam"]]],
                "space.a.when.optimiser: there is no hyperparameter \"optimiser\"; did you mean \"optimizer\"?"
            ),
            (
                ["a": ["uniform": [0, 1], "when": ["b": "sdg"]], "b": ["choice": ["sgd", "adam"]]],
                "space.a.when.b: b must be one of \"sgd\", \"adam\", not \"sdg\""
            ),
            (
                ["a": ["uniform": [0, 1], "when": ["b": [2, 9]]], "b": ["integer": [1, 4]]],
                "space.a.when.b: b must be between 1 and 4, not 9"
            ),
            (
                ["a": ["uniform": [0, 1], "when": ["b": 1]], "b": "boolean"],
                "space.a.when.b: b must be true or false, not 1"
            ),
            (
                ["a": ["uniform": [0, 1], "when": ["b": 0.5]], "b": ["uniform": [0, 1]]],
                "space.a.when.b: b is a real number; a condition needs a choice, a boolean, an integer, or a constant"
            ),
            (
                ["a": ["boolean": true, "when": ["a": true]]],
                "space.a.when: a depends on a; remove one of the conditions"
            ),
            (
                [
                    "a": ["boolean": true, "when": ["b": true]], "b": ["boolean": true, "when": ["c": true]],
                    "c": ["boolean": true, "when": ["b": false]], "d": ["uniform": [0, 1], "when": ["a": true]],
                ],
                "space.b.when: b depends on c, which depends on b; remove one of the conditions"
            ),
            (
                ["a": ["uniform": [0, 1], "when": "sgd"]],
                "space.a.when: must name another hyperparameter and its values, for example {optimizer: sgd}"
            ),
            (
                ["a": ["uniform": [0, 1], "when": ["b": []]], "b": "boolean"],
                "space.a.when: has no value of b; name one"
            ),
            (
                ["a": ["uniform": [0, 1], "if": ["b": true]], "b": "boolean"],
                "space.a.if: unknown key; write when: {NAME: VALUE}"
            ),
        ] as [(Value, String)])
    func `an invalid condition is named, with the remedy`(_ space: Value, _ expected: String) {
        #expect(Self.problem(space: space) == expected)
    }

    @Test func `initial values need what they depend on`() throws {
        #expect(
            Self.problem(space: Self.space, initial: [["optimizer": "adam", "momentum": 0.9]])?.contains(
                "hyperparameter \"momentum\" applies only when optimizer is \"sgd\" or \"nesterov\"; remove it") == true
        )
        #expect(
            Self.problem(space: Self.space, initial: [["momentum": 0.9]])?.contains(
                "give optimizer too, or remove it") == true)
        let given = try Self.experiment(space: Self.space, initial: [["optimizer": "sgd", "momentum": 0.9]])
        #expect(given.founder(0)["momentum"] == 0.9 && given.founder(0)["nested"] != nil)
    }

    @Test func `a command cannot name what an interval may lack, but its arguments are left out`() throws {
        let space = try Self.experiment(space: Self.space).space
        let problems = CommandTemplate.problems(
            in: ["t", "--momentum={momentum}", "{nested:flag}", "{optimizer}"], space: space)
        #expect(problems.map(\.argument) == [1])
        #expect(
            problems.first?.text
                == "\"--momentum={momentum}\": {momentum}: an interval has no momentum unless optimizer is \"sgd\" or "
                + "\"nesterov\"; write {args} or {args:flags}, which leave it out, or read it from {hyperparameters}")
        let template = try CommandTemplate(["t", "{args:flags}", "{nested:flag}"], space: space)
        let values = CommandTemplate.Values(
            checkpointIn: "", checkpointOut: "o", results: "r", hyperparametersFile: "h",
            interval: IntervalID(member: 0, index: 0), depth: 1, hyperparameters: ["optimizer": "adam", "layers": 1])
        #expect(template.filled(values) == ["t", "--layers", "1", "--optimizer", "adam"])
    }

    @Test func `explore removes and samples values as conditions change, and says so`() throws {
        var experiment = try Self.experiment(space: Self.space)
        var operations: [String: Int] = [:]
        for seed: UInt64 in 0..<200 {
            experiment.seed = seed
            for decision in try experiment.decisions(scores: (0..<8).map(Double.init)) {
                guard let donor = decision.donor, let next = decision.next else { continue }
                let old = experiment.founder(donor.member)
                for change in next.changes {
                    operations[change.operation, default: 0] += 1
                    switch change.operation {
                    case "activated":
                        #expect(old[change.name] == nil && next.hyperparameters[change.name] == change.new)
                        #expect(change.before == nil && change.after == change.new)
                    case "deactivated":
                        #expect(old[change.name] == change.old && next.hyperparameters[change.name] == nil)
                        #expect(change.before == change.old && change.after == nil)
                    default: #expect(old[change.name] != nil && next.hyperparameters[change.name] != nil)
                    }
                }
                #expect(next.changes.map(\.name) == experiment.space.ordered(next.changes.map(\.name)))
            }
        }
        #expect(operations["activated", default: 0] > 20 && operations["deactivated", default: 0] > 20)
    }

    @Test func `a push that changes the condition adds and removes what depends on it`() async throws {
        let store = InMemoryStore()
        let experiment = try Self.experiment(space: Self.space, initial: [["optimizer": "sgd"], ["optimizer": "adam"]])
        _ = try await store.create(experiment)
        let first = try await store.push(["optimizer": "adam"], to: "x")
        #expect(first.id.member == 0 && first.hyperparameters["momentum"] == nil)
        #expect(first.changes.first { $0.name == "momentum" }?.operation == "removed")
        let second = try await store.push(["optimizer": "nesterov", "momentum": 0.3], to: "x")
        #expect(second.hyperparameters["momentum"] == 0.3 && second.hyperparameters["nested"] == nil)
        await #expect(throws: PBTError.self) { try await store.push(["momentum": 0.3], to: "x") }
        let audit = try await Audit(experiment: experiment, intervals: store.intervals(of: "x"))
        #expect(audit.mismatches == [])
    }
}
