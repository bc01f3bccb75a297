// SPDX-License-Identifier: Apache-2.0

import PBT
import Testing

@Suite("Everything that is wrong with a definition") struct ManyFaultsTests {
    private static func faults(_ edit: (inout [String: Value]) -> Void) throws -> [String] {
        var object: [String: Value] = [
            "name": "x", "objective": ["metric": "m", "goal": "maximize"], "population": 4, "intervals": 3,
            "space": ["lr": ["uniform": [0, 1]]], "command": ["./t.sh"],
        ]
        edit(&object)
        do {
            _ = try Experiment(document: Document(.object(object)), directory: "/work")
            return []
        } catch {
            return ([error] + error.more).map { "\($0.path): \($0.problem)" }
        }
    }

    @Test func `is told at once`() throws {
        let faults = try Self.faults {
            $0["objective"] = ["metric": "", "goal": "up"]
            $0["population"] = 0
            $0["intervals"] = "many"
            $0["space"] = ["lr": ["uniform": [1, 0]], "b": 5, "c": ["integer": [1, 8]]]
            $0["workers"] = 0
            $0["timeout"] = "soon"
            $0["exploit"] = "truncaton"
            $0["poplation"] = 5
        }
        #expect(
            Set(faults) == [
                "poplation: unknown key; did you mean \"population\"?",
                "objective.metric: must be the name of a metric",
                "population: must be at least 1, not 0",
                "objective.goal: must be maximize or minimize, not \"up\"",
                "intervals: must be an integer, not \"many\"",
                "space.b: must be a distribution, for example {uniform: [0, 1]} or {constant: 5}, not 5",
                "space.lr.uniform: needs the lower number first: [0, 1]",
                "workers: must be at least 1, not 0",
                "timeout: must be a time such as 90s, 10m or 2h, not \"soon\"",
                "exploit: unknown rule \"truncaton\"; did you mean \"truncation\"?",
            ])
        #expect(Set(faults).count == faults.count)
    }

    @Test func `a misspelled key is not missing too`() throws {
        let faults = try Self.faults {
            $0["poplation"] = $0.removeValue(forKey: "population")
        }
        #expect(faults == ["poplation: unknown key; did you mean \"population\"?"])
    }

    @Test func `what depends on something wrong is not reported`() throws {
        let faults = try Self.faults {
            $0["space"] = ["lr": ["uniform": [1, 0]]]
            $0["initial"] = [["lr": 7]]
        }
        #expect(faults == ["space.lr.uniform: needs the lower number first: [0, 1]"])
    }

    @Test func `each wrong entry of initial is told`() throws {
        let faults = try Self.faults { $0["initial"] = [["lr": 7], ["lr": 0.5], ["rl": 1]] }
        #expect(faults.map { $0.prefix(10) } == ["initial[0]", "initial[2]"])
    }

    @Test func `errors are in order of line`() throws {
        func entry(_ name: String, _ line: Int, _ value: Value) -> Document.Entry {
            Document.Entry(name: name, line: line, content: Document(.scalar(value), line: line))
        }
        let document = Document(
            .object([entry("workers", 2, 0), entry("name", 3, ""), entry("nme", 1, "x")]), line: 1)
        let error = #expect(throws: DocumentError.self) { try Experiment(document: document, directory: "/") }
        let lines = error.map { [$0] + $0.more }?.map(\.line) ?? []
        #expect(lines == lines.sorted())
        #expect(lines.suffix(2) == [2, 3])
    }
}

@Suite("The trainer's own variables") struct VariableTests {
    private static func trainer(_ variables: Value, _ more: [String: Value] = [:]) throws -> Experiment.Trainer? {
        var object: [String: Value] = [
            "name": "x", "objective": ["metric": "m", "goal": "maximize"], "population": 4, "intervals": 3,
            "space": ["lr": ["uniform": [0, 1]]], "command": ["./t.sh"], "env": variables,
        ]
        object.merge(more) { $1 }
        return try Experiment(document: Document(.object(object)), directory: "/work").trainer
    }

    @Test func `are text, whatever they look like, and survive the store`() throws {
        let trainer = try #require(try Self.trainer(["A": "a b", "N": 5, "F": 0.5, "T": true, "E": ""]))
        #expect(trainer.environment == ["A": "a b", "N": "5", "F": "0.5", "T": "true", "E": ""])
        #expect(try Self.trainer(["A": "a b", "N": "5", "F": "0.5", "T": "true", "E": ""]) == trainer)
        #expect(try Self.trainer([:])?.environment == [:])
    }

    @Test func `are taken as they are written, not as the number they are`() throws {
        let number = Document(.scalar(1.1), line: 1, text: "1.10")
        let document = Document(
            .object(
                [
                    ("name", Document("x")), ("objective", Document(["metric": "m", "goal": "max"])),
                    ("population", Document(1)), ("intervals", Document(1)),
                    ("space", Document(["lr": ["uniform": [0, 1]]])),
                    ("command", Document(.list([Document("t"), number]), line: 1)),
                    ("env", Document(.object([Document.Entry(name: "V", line: 1, content: number)]), line: 1)),
                ].map { Document.Entry(name: $0, line: 1, content: $1) }), line: 1)
        let trainer = try Experiment(document: document, directory: "/").trainer
        #expect(trainer?.environment == ["V": "1.10"])
        #expect(trainer?.command == ["t", "1.10"])
    }

    @Test(
        arguments: [
            (["PBT_SEED": "1"], "env.PBT_SEED: names that start with PBT_ are reserved; choose another name"),
            (
                ["A-B": "1"],
                "env.A-B: the name of a variable consists of letters, digits, and '_', and does not start with a digit"
            ),
            (
                ["1A": "1"],
                "env.1A: the name of a variable consists of letters, digits, and '_', and does not start with a digit"
            ),
            (["A": nil], "env.A: must be a string or a number; write \"\" for an empty value"),
            (["A": [1]], "env.A: must be a string or a number, not a list"),
            (["CUDA_VISIBLE_DEVICES": "0"], "env.CUDA_VISIBLE_DEVICES: is set by gpus; keep one of the two"),
            ("A=1", "env: must be an object of names and values, for example {WANDB_MODE: offline}, not a string"),
        ] as [(Value, String)])
    func `that cannot be are refused`(_ variables: Value, _ message: String) {
        let error = #expect(throws: DocumentError.self) { try Self.trainer(variables, ["gpus": [0]]) }
        #expect(error?.description == message)
    }

    @Test func `are no longer than a program can be given`() throws {
        let error = #expect(throws: DocumentError.self) {
            try Self.trainer(["A": .string(String(repeating: "x", count: 131_070))])
        }
        #expect(error?.description == "env.A: must have at most 131070 bytes with its name, not 131071")
    }

    @Test func `are an edit, as the command is`() throws {
        let object: [String: Value] = [
            "name": "x", "objective": ["metric": "m", "goal": "maximize"], "population": 4, "intervals": 3,
            "space": ["lr": ["uniform": [0, 1]]], "command": ["./t.sh"],
        ]
        let old = try Experiment(document: Document(.object(object)), directory: "/work")
        let new = try Experiment(
            document: Document(.object(object.merging(["env": ["A": "1"]]) { $1 })), directory: "/work")
        #expect(new.conflicts(with: old).isEmpty)
        #expect(new.differences(from: old).map(\.description) == ["env.A: not set → 1"])
    }
}
