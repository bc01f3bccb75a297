// SPDX-License-Identifier: Apache-2.0

import PBT
import Testing

@Suite("An array of hyperparameters") struct ArrayTests {
    private static func experiment(
        space: Value = space, initial: Value = [], command: Value = ["./t.sh"], constraints: Value = [],
        more: [String: Value] = [:]
    ) throws -> Experiment {
        let values: [String: Value] = [
            "name": "x", "objective": ["metric": "m", "goal": "maximize"], "population": 4, "intervals": 3,
            "space": space, "initial": initial, "command": command, "constraints": constraints,
        ]
        return try Experiment(document: Document(.object(values.merging(more) { $1 })), directory: "/work")
    }

    private static let space: Value = [
        "betas": ["uniform": [0.8, 0.999], "length": 2],
        "model": ["units": ["integer": [8, 64], "quantum": 8, "length": 3], "lr": ["log_uniform": [1e-4, 0.1]]],
    ]

    private static func problem(_ make: () throws -> Experiment) throws -> String {
        let error = #expect(throws: DocumentError.self) { _ = try make() }
        return "\(try #require(error))"
    }

    @Test func `has an element for each place, and is a list for the trainer`() throws {
        let space = try Self.experiment().space
        let units = ["model.units[0]", "model.units[1]", "model.units[2]"]
        #expect(space.names == ["betas[0]", "betas[1]", "model.lr"] + units)
        #expect(space.definedNames == ["betas", "model.lr", "model.units"])
        #expect(space.arrays == ["betas": 2, "model.units": 3])
        #expect(space["betas[1]"] == .uniform(0.8...0.999) && space["model.units[0]"] == .integer(8...64, quantum: 8))
        let flat: [String: Value] = [
            "betas[0]": 0.9, "betas[1]": 0.99, "model.units[0]": 8, "model.units[1]": 16, "model.units[2]": 24,
            "model.lr": 0.01,
        ]
        let nested: Value = ["betas": [0.9, 0.99], "model": ["units": [8, 16, 24], "lr": 0.01]]
        #expect(space.nested(flat) == nested)
        #expect(try space.flattened(#require(nested.object)) == flat)
        #expect(try space.flattened(flat) == flat)
        // What is not whole stays visible.
        #expect(space.nested(["betas[1]": 0.9]) == ["betas[1]": 0.9])
    }

    @Test func `every element is drawn and explored by itself, from a stream of its name`() throws {
        let experiment = try Self.experiment()
        let element = try Self.experiment(space: ["a": ["uniform": [0.8, 0.999]]])
        let founders = (0..<4).map { experiment.founder($0) }
        #expect(Set(founders.flatMap { [$0["betas[0]"], $0["betas[1]"]] }).count == 8)
        // Another length leaves the elements that there are as they were.
        let longer = try Self.experiment(space: ["betas": ["uniform": [0.8, 0.999], "length": 5]])
        for member in 0..<4 {
            let longerFounder = longer.founder(member)
            #expect(longerFounder["betas[1]"] == founders[member]["betas[1]"])
            #expect(longerFounder.names.count == 5)
            #expect(element.founder(member)["a"] != founders[member]["betas[0]"])
        }
        let decisions = try longer.decisions(scores: [4, 3, 2, 1])
        let changes = try #require(decisions[3].next?.changes)
        #expect(changes.map(\.name) == (0..<5).map { "betas[\($0)]" })
        #expect(Set(changes.map(\.operation)).count == 2)
        #expect(changes.contains { $0.isClipped } && changes.allSatisfy { (0.8...0.999).contains($0.new.double ?? 0) })
    }

    @Test func `a definition reads back to the same experiment, and keeps the order of elements`() throws {
        let experiment = try Self.experiment(
            space: ["b": ["uniform": [0, 1], "length": 12], "a": "boolean"],
            constraints: ["b[0] <= b[11]"])
        #expect(experiment.space.names == ["a"] + (0..<12).map { "b[\($0)]" })
        #expect(experiment.value["space"]?["b"] == ["uniform": [0.0, 1.0], "bounds": [0.0, 1.0], "length": 12])
        #expect(experiment.value["space"]?.object?.keys.sorted() == ["a", "b"])
        let back = try Experiment(
            document: Document(experiment.withNamedDefaults.value), directory: "/", isStored: true)
        #expect(back == experiment && back.space.names == experiment.space.names)
        let swift = SearchSpace(["b": .uniform(0...1).array(length: 12), "a": .boolean], order: ["b", "a"])
        #expect(try swift.constrained(by: "b[0] <= b[11]") == experiment.space)
        #expect(swift.names.first == "b[0]" && swift.names.last == "a" && swift.names[10] == "b[10]")
        let ordered = try Self.experiment(
            space: ["b": ["uniform": [0, 1], "length": 2], "a": "boolean"], more: ["order": ["b", "a"]])
        #expect(ordered.value["order"] == ["b", "a"] && ordered.space.names == ["b[0]", "b[1]", "a"])
    }

    @Test func `initial takes a list or elements, and checks them`() throws {
        let experiment = try Self.experiment(
            initial: [["betas": [0.9, 0.99]], ["betas[1]": 0.95], ["model": ["units": [8, 16, 64]]]])
        #expect(
            experiment.initial == [
                ["betas[0]": 0.9, "betas[1]": 0.99], ["betas[1]": 0.95],
                ["model.units[0]": 8, "model.units[1]": 16, "model.units[2]": 64],
            ])
        #expect(experiment.founder(1)["betas[0]"] != nil && experiment.founder(1)["betas[1]"] == 0.95)
        for (given, problem) in [
            (
                ["betas": [0.9]],
                "hyperparameter \"betas\" has 2 elements, not 1; write a list, one for each of betas[0] to betas[1]"
            ),
            (
                ["betas": 0.9],
                "hyperparameter \"betas\" is an array of 2 elements, not 0.9; write a list, one for each of betas[0] to "
                    + "betas[1]"
            ),
            (["betas": [0.9, 2]], "hyperparameter \"betas[1]\" must be between 0.8 and 0.999, not 2"),
            (["betas": [0.9, "x"]], "hyperparameter \"betas[1]\" must be a finite number, not \"x\""),
            (
                ["betas": [0.9, 0.9], "betas[0]": 0.9],
                "\"betas[0]\" is given twice, in an array and by itself; keep one"
            ),
            (["betas[2]": 0.9], "there is no hyperparameter \"betas[2]\" in the space; did you mean \"betas\"?"),
        ] as [(Value, String)] {
            let found = try Self.problem { try Self.experiment(initial: [given]) }
            #expect(found.contains("initial[0]") && found.contains(problem), "\(found)")
        }
    }

    @Test(
        arguments: [
            (["uniform": [0, 1], "length": 0], "length must be a whole number from 1 to 1000, not 0"),
            (["uniform": [0, 1], "length": 1001], "1000"),
            (["uniform": [0, 1], "length": "two"], "length"),
            (
                ["constant": 1, "length": 2],
                "length cannot be combined with constant, whose value may be an array: [1, 2]"
            ),
            (["free": ["uniform": [0, 1]], "length": 2], "length cannot be combined with free"),
            (["free": ["uniform": [0, 1], "length": 2]], "must be a distribution of single values; remove length"),
            (["uniform": [0, 1], "size": 2], "write length: N"),
            (["uniform": [0, 1], "length": 2, "when": ["units": 1]], "units is an array; name one of its elements"),
        ] as [(Value, String)])
    func `a wrong length is an error with its place`(_ definition: Value, _ problem: String) throws {
        let found = try Self.problem {
            try Self.experiment(space: ["betas": definition, "units": ["integer": [1, 2], "length": 2]])
        }
        #expect(found.contains("space.betas"), "\(found)")
        #expect(found.contains(problem) || found.contains("length"), "\(found)")
        // Once, not once for each element.
        #expect(found.components("space.betas") == 1, "\(found)")
    }

    @Test func `many long arrays are an error, and no work`() throws {
        let space = Dictionary(
            uniqueKeysWithValues: (0..<2000).map { ("a\($0)", ["uniform": [0, 1], "length": 1000] as Value) })
        let found = try Self.problem { try Self.experiment(space: .object(space)) }
        #expect(found.contains("makes 11000 hyperparameters, more than 10000; shorten the array"))
    }

    @Test func `a condition applies to all elements, and may name one`() throws {
        let experiment = try Self.experiment(
            space: [
                "optimizer": ["choice": ["sgd", "adam"]],
                "betas": ["uniform": [0.8, 0.999], "length": 2, "when": ["optimizer": "adam"]],
                "layers": ["integer": [1, 2], "length": 2], "wide": ["boolean": true, "when": ["layers[1]": 2]],
            ], initial: [["optimizer": "adam", "betas": [0.85, 0.95]], ["optimizer": "sgd"]])
        #expect(experiment.founder(0)["betas[1]"] == 0.95)
        #expect(experiment.founder(1)["betas[0]"] == nil && experiment.founder(1)["betas[1]"] == nil)
        for member in 0..<4 {
            let founder = experiment.founder(member)
            #expect((founder["wide"] != nil) == (founder["layers[1]"] == 2))
        }
        let found = try Self.problem {
            try Self.experiment(
                space: experiment.value["space"] ?? .null, initial: [["optimizer": "sgd", "betas": [0.9, 0.9]]])
        }
        #expect(found.contains("\"betas[0]\" applies only when optimizer is \"adam\""), "\(found)")
    }

    @Test func `a constraint names elements`() throws {
        let experiment = try Self.experiment(constraints: ["betas[0] < betas[1]", "model.units[0]-model.units[2] >= 0"])
        for member in 0..<4 {
            let founder = experiment.founder(member)
            #expect(try founder.double("betas[0]") < founder.double("betas[1]"))
            #expect(try founder.double("model.units[0]") >= founder.double("model.units[2]"))
        }
        #expect(throws: (any Error).self) {
            _ = try Self.experiment(initial: [["betas": [0.99, 0.9]]], constraints: ["betas[0] < betas[1]"])
        }
        for (text, problem) in [
            ("betas < 1", "column 1: \"betas\" is an array; name one of its elements, \"betas[0]\" to \"betas[1]\""),
            ("betas[2] < 1", "column 1: \"betas\" is an array; name one of its elements, \"betas[0]\" to \"betas[1]\""),
            ("betas[0 < 1", "column 1: \"betas\" is an array"), ("model.lr[0] < 1", "expected one of <"),
        ] {
            let found = try Self.problem { try Self.experiment(constraints: [.string(text)]) }
            #expect(found.contains("constraints[0]") && found.contains(problem), "\(found)")
        }
    }

    @Test func `placeholders and arguments pass lists, or single elements`() throws {
        let experiment = try Self.experiment()
        func filled(_ command: String...) throws -> [String] {
            let values: Hyperparameters = [
                "betas[0]": 0.9, "betas[1]": 0.99, "model.units[0]": 8, "model.units[1]": 16, "model.units[2]": 24,
                "model.lr": 0.01,
            ]
            return try CommandTemplate(["run"] + command, space: experiment.space).filled(
                CommandTemplate.Values(
                    checkpointIn: "", checkpointOut: "", results: "", hyperparametersFile: "",
                    interval: IntervalID(member: 0, index: 0), depth: 1, hyperparameters: values)
            ).dropFirst().map(\.self)
        }
        #expect(try filled("--betas", "{betas}") == ["--betas", "[0.9,0.99]"])
        #expect(try filled("--betas", "{betas[0]}", "{betas[1]}") == ["--betas", "0.9", "0.99"])
        let all = ["--betas", "[0.9,0.99]", "--model.lr", "0.01", "--model.units", "[8,16,24]"]
        #expect(try filled("{args}") == all && filled("{args:flags}") == all)
        #expect(try filled("{args:equals}").first == "--betas=[0.9,0.99]")
        #expect(try filled("{args:hydra}") == ["betas=[0.9,0.99]", "model.lr=0.01", "model.units=[8,16,24]"])
        for (placeholder, advice) in [
            ("{betas[2]}", "did you mean {betas}?"), ("{model}", "it is a group; write {model.lr}"),
        ] {
            #expect(
                CommandTemplate.problems(in: ["run", placeholder], space: experiment.space)[0].text.contains(advice))
        }
    }

    @Test func `another definition of an array is one difference`() throws {
        let longer = try Self.experiment(
            space: ["betas": ["uniform": [0.8, 0.999], "length": 3], "lr": ["uniform": [0, 1]]])
        let shorter = try Self.experiment(
            space: ["betas": ["uniform": [0.8, 0.999], "length": 2], "lr": ["uniform": [0, 1]]])
        let differences = longer.differences(from: shorter)
        #expect(differences.map(\.key) == ["space.betas"])
        #expect(
            differences[0].description
                == "space.betas: {length: 2, uniform: [0.8, 0.999]} → {length: 3, uniform: [0.8, "
                + "0.999]}")
        let adapted = longer.space.adapted(["betas[0]": 0.9, "betas[1]": 0.99, "lr": 0.5]) { _, _ in 0.85 }
        #expect(adapted.changes.map(\.name) == ["betas[2]"] && adapted.hyperparameters["betas[2]"] == 0.85)
    }

    @Test func `advice about an array is given once`() throws {
        let document = Document([
            "name": "x", "objective": ["metric": "m", "goal": "maximize"], "population": 4, "intervals": 3,
            "space": ["betas": ["uniform": [0.9, 0.999], "length": 3]], "command": ["./t.sh"],
        ])
        let advice = try Experiment(document: document, directory: "/").advice(in: document)
        #expect(advice.map(\.path) == ["space.betas"] && advice[0].problem.contains("reverse_log_uniform"))
    }

    @Test func `a replay takes lists, and a trainer in Swift reads all numbers`() throws {
        let schedule: Value = [["betas": [0.9, 0.99]], ["betas": [0.8, 0.9]]]
        let replay = try Self.experiment(
            space: ["betas": ["uniform": [0.8, 0.999], "length": 2]],
            more: ["kind": "replay", "intervals": 2, "schedule": schedule])
        #expect(try replay.founder(0).doubles("betas") == [0.9, 0.99])
        let error = #expect(throws: PBTError.self) { _ = try replay.founder(0).doubles("beta") }
        #expect(error?.message.contains("there is no hyperparameter \"beta[0]\"") == true)
    }
}

extension String {
    /// Returns the number of occurrences of a text.
    fileprivate func components(_ text: String) -> Int {
        var (count, rest) = (0, self[...])
        while let found = rest.firstRange(of: text) {
            count += 1
            rest = rest[found.upperBound...]
        }
        return count
    }
}
