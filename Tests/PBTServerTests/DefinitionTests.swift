// SPDX-License-Identifier: Apache-2.0

import ServerTestSupport
import PBT
import PBTServer
import Testing

/// Definitions that come over the wire.
@Suite(.timeLimit(.minutes(10)))
struct DefinitionTests {
    private static func definition(_ edit: (inout [String: Value]) -> Void) -> Value {
        var object: [String: Value] = [
            "name": "toy", "objective": ["metric": "m", "goal": "maximize"], "population": 2, "intervals": 3,
            "space": ["x": ["uniform": [0, 1]]],
        ]
        edit(&object)
        return ["definition": .object(object)]
    }

    @Test func `all that is wrong is told, in the text and as a list`() async throws {
        try await withServer { server in
            let answer = try await server.ask(
                .POST, "/experiments",
                Self.definition {
                    $0["population"] = 0
                    $0["space"] = ["x": ["uniform": [1, 0]]]
                })
            let first = "must be at least 1, not 0"
            let second = "needs the lower number first: [0, 1]"
            #expect(
                answer.problem == "422 badExperiment: definition: space.x.uniform: \(second); population: \(first)")
            #expect(
                try answer.json["errors"] == [
                    ["path": "space.x.uniform", "problem": .string(second)],
                    ["path": "population", "problem": .string(first)],
                ])
            let single = try await server.ask(.POST, "/experiments/toy/push", ["hyperparameters": ["x": 7]])
            #expect(try single.json["errors"] == nil)
        }
    }

    @Test func `a placeholder that means nothing is told when the experiment is created`() async throws {
        try await withServer { server in
            let answer = try await server.ask(
                .POST, "/experiments", Self.definition { $0["command"] = ["t", "{x}", "{y}", "{"] })
            #expect(
                answer.problem
                    == "422 badExperiment: definition: command[2]: \"{y}\": unknown placeholder {y}; did you mean {x}?; "
                    + "command[3]: \"{\": a '{' is never closed; write {{ for a brace")
            #expect(try answer.json["errors"]?.array?.count == 2)
        }
    }

    @Test func `a claim of a space with groups brings them nested, and a push takes both forms`() async throws {
        try await withServer { server in
            let created = try await server.ask(
                .POST, "/experiments",
                Self.definition { $0["space"] = ["g": ["uniform": [0, 1]], "m": ["x": ["uniform": [0, 1]]]] })
            #expect(created.status == 201)
            let pushed = try await server.ask(
                .POST, "/experiments/toy/push", ["hyperparameters": ["m": ["x": 0.25], "g": 0.5]])
            #expect(try pushed.json["hyperparameters"] == ["g": 0.5, "m.x": 0.25])
            let flat = try await server.ask(.POST, "/experiments/toy/push", ["hyperparameters": ["m.x": 0.75]])
            #expect(try flat.json["hyperparameters"]?["m.x"] == 0.75)
            let answer = try await server.ask(.POST, "/experiments/toy/claims", ["worker": "w"]).json
            let assignment = try #require(answer["assignments"]?.array?.first)
            #expect(assignment["hyperparameters"] == ["g": 0.5, "m": ["x": 0.25]])
            #expect(assignment["interval"]?["hyperparameters"] == ["g": 0.5, "m.x": 0.25])
        }
    }
}
