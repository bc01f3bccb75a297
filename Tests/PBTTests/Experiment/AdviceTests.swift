// SPDX-License-Identifier: Apache-2.0

import PBT
import Testing

/// Warnings about changes that move most of a range onto a bound.
@Suite("Advice about clipping") struct ClippingAdviceTests {
    private func advice(_ dimension: Value, _ extra: [String: Value] = [:]) throws -> [String] {
        var object: [String: Value] = [
            "name": "x", "objective": ["metric": "m", "goal": "maximize"], "population": 8, "intervals": 3,
            "space": ["group": ["x": dimension]], "exploit": ["truncation": 0.2],
        ]
        object.merge(extra) { $1 }
        object = object.filter { $0.value != .null }
        let document = Document(.object(object))
        return try Experiment(document: document, directory: "/work").advice(in: document).map {
            "\($0.path): \($0.problem)"
        }
    }

    @Test(
        arguments: [
            (
                ["uniform": [0.9, 0.999]],
                "space.group.x: ×0.8 and ×1.25 move up to 100% of the range onto a bound; write reverse_log_uniform: [0.9, 0.999]"
            ),
            (
                ["uniform": [0.7, 0.99]],
                "space.group.x: ×0.8 and ×1.25 move up to 69% of the range onto a bound; write reverse_log_uniform: [0.7, 0.99]"
            ),
            (
                ["uniform": [5, 6]],
                "space.group.x: ×0.8 and ×1.25 move up to 100% of the range onto a bound; write explore: {step: 0.1} for it"
            ),
            (
                ["uniform": [1e-4, 1], "explore": ["perturb": [0.1, 10]]],
                "space.group.x: ×10 moves 90% of the range onto a bound; write log_uniform: [0.0001, 1]"
            ),
            (
                ["integer": [1, 3], "explore": ["perturb": [0.5, 3]]],
                "space.group.x: ×3 moves 67% of the range onto a bound; write explore: {step: 0.1} for it"
            ),
            (
                ["uniform": [0, 1], "explore": ["step": 0.9]],
                "space.group.x: +90% of range and -90% of range move up to 90% of the range onto a bound; write explore: {step: 0.1} for it"
            ),
        ] as [(Value, String)])
    func `names the definition that does not`(_ dimension: Value, _ message: String) throws {
        #expect(try advice(dimension) == [message])
    }

    @Test(
        arguments: [
            ["uniform": [0, 1]], ["uniform": [0.1, 0.9999]], ["log_uniform": [1e-5, 1]], ["uniform": [-1, 1]],
            ["reverse_log_uniform": [0.9, 0.999]], ["integer": [1, 8]], ["integer": [1, 2]], ["integer": [5, 5]],
            ["normal": [0, 1], "bounds": [-1, 1]], "boolean", ["choice": [1, 2], "ordered": true], ["constant": 3],
            ["uniform": [0.9, 0.999], "bounds": [0.1, 2]], ["uniform": [0.9, 0.999], "mutable": false],
            ["uniform": [0.9, 0.999], "explore": ["step": 0.1]], ["uniform": [0.9, 0.999], "explore": "resample"],
            ["free": ["uniform": [0.9, 0.999]]],
        ] as [Value])
    func `says nothing about what is fine`(_ dimension: Value) throws {
        #expect(try advice(dimension) == [])
    }

    @Test(
        arguments: [
            ["uniform": [0.9, 0.999]], ["uniform": [0.7, 0.99]], ["uniform": [5, 6]], ["integer": [1, 2]],
            ["log_uniform": [0.5, 1]], ["uniform": [0.1, 0.9999]], ["reverse_log_uniform": [0.9, 0.95]],
        ] as [Value])
    func `says nothing about the default rule, which steps where factors do not suit a range`(
        _ dimension: Value
    ) throws {
        #expect(try advice(dimension, ["exploit": nil]) == [])
    }

    @Test func `says nothing where nothing is explored, and about rules that ignore bounds`() throws {
        let narrow: Value = ["uniform": [0.9, 0.999]]
        #expect(try advice(narrow, ["kind": "random_search"]) == [])
        #expect(try advice(narrow, ["exploit": "none"]) == [])
        #expect(try advice(narrow, ["explore": "ray"]) == [])
        #expect(try advice(narrow, ["explore": "none"]) == [])
    }

    @Test func `has the line of the hyperparameter`() throws {
        func entry(_ name: String, _ line: Int, _ content: Document) -> Document.Entry {
            Document.Entry(name: name, line: line, content: content)
        }
        let gamma = Document(.object([entry("uniform", 6, Document([0.9, 0.999]))]), line: 6)
        let object: [String: Document] = [
            "name": Document("x"), "objective": Document(["metric": "m", "goal": "max"]), "population": Document(8),
            "intervals": Document(2), "space": Document(.object([entry("gamma", 6, gamma)]), line: 5),
            "exploit": Document("truncation"),
        ]
        let document = Document(.object(object.map { entry($0.key, 1, $0.value) }), line: 1)
        let experiment = try Experiment(document: document, directory: "/")
        #expect(experiment.advice(in: document).map(\.line) == [6])
    }
}

@Suite("The order of hyperparameters") struct OrderTests {
    private func entry(_ name: String, _ content: Document) -> Document.Entry {
        Document.Entry(name: name, line: 1, content: content)
    }

    private func experiment(_ names: [String]) throws -> Experiment {
        let space = names.map { entry($0, Document(["uniform": [0, 1]])) }
        let group = Document(.object([entry("z", Document("boolean")), entry("a", Document("boolean"))]), line: 1)
        return try Experiment(
            document: Document(
                .object([
                    entry("name", Document("x")), entry("objective", Document(["metric": "m", "goal": "max"])),
                    entry("population", Document(8)), entry("intervals", Document(2)),
                    entry("space", Document(.object(space + [entry("group", group)]), line: 1)),
                ]), line: 1), directory: "/")
    }

    @Test func `is the file's, also in groups, and survives a store`() throws {
        var experiment = try experiment(["rate", "momentum", "beta"])
        // As a store names it, whose definitions without a timing are of earlier versions.
        experiment.decides = .certain
        #expect(experiment.space.names == ["rate", "momentum", "beta", "group.z", "group.a"])
        let stored = try Experiment(
            document: Document(Value(json: experiment.value.json)), directory: "/", isStored: true)
        #expect(stored == experiment)
        #expect(stored.space.names == experiment.space.names)
        let space: SearchSpace = ["b": .boolean, "a": .boolean]
        #expect(space.names == ["b", "a"])
    }

    @Test func `is by name in definitions of earlier versions, which are written with their timing`() throws {
        var value = try experiment(["rate", "beta"]).value.object ?? [:]
        #expect(value.removeValue(forKey: "order") != nil)
        let earlier = try Experiment(document: Document(.object(value)), directory: "/", isStored: true)
        #expect(earlier.space.names == ["beta", "group.a", "group.z", "rate"])
        value["decide"] = "early"
        #expect(earlier.value == .object(value))
    }

    @Test func `is no difference, and moves no draw`() throws {
        let (one, other) = (try experiment(["rate", "beta"]), try experiment(["beta", "rate"]))
        #expect(one.differences(from: other).isEmpty)
        #expect(one.founder(3) == other.founder(3))
    }

    @Test func `is that of a decision's changes`() throws {
        let space: SearchSpace = ["z": .uniform(0...1), "a": .uniform(0...1), "m": .boolean]
        let changes = try Experiment.sample(space: space).decisions(scores: [1, 2, 3, 4, 5, 6, 7, 8])
            .compactMap(\.next).map { $0.changes.map(\.name) }.filter { !$0.isEmpty }
        #expect(changes == [["z", "a", "m"], ["z", "a", "m"]])
    }

    @Test func `puts names that the space lacks last, by name`() {
        let space: SearchSpace = ["z": .boolean, "a": .boolean]
        #expect(space.ordered(["y", "a", "b", "z"]) == ["z", "a", "b", "y"])
        #expect(
            SearchSpace(["a": .boolean, "b": .boolean, "c": .boolean], order: ["c", "x"]).names == ["c", "a", "b"])
    }
}

@Suite("Burn-in") struct BurnInTests {
    private func experiment(_ exploit: Value) throws -> Experiment {
        try Experiment(
            document: Document([
                "name": "x", "objective": ["metric": "score", "goal": "maximize"], "population": 8, "intervals": 10,
                "space": ["rate": ["uniform": [0, 1]]], "exploit": exploit,
            ]), directory: "/")
    }

    private let scores: [Double] = [1, 2, 3, 4, 5, 6, 7, 8]

    @Test func `nobody is replaced before the members have trained that many intervals`() throws {
        let experiment = try experiment(["truncation": 0.25, "burn_in": 3])
        var same = experiment
        same.burnIn = 0
        for index in 0..<8 {
            let decisions = try experiment.decisions(index: index, scores: scores)
            if index + 1 < 3 {
                #expect(decisions.allSatisfy { $0.outcome == .continues })
            } else {
                #expect(decisions == (try same.decisions(index: index, scores: scores)))
                #expect(decisions.contains { $0.donor != nil })
            }
        }
    }

    @Test func `a member that diverged is replaced at any time`() throws {
        let decisions = try experiment(["truncation": 0.25, "burn_in": 3]).decisions(
            scores: [.nan] + scores.dropFirst())
        #expect(decisions[0].donor != nil)
        #expect(decisions.dropFirst().allSatisfy { $0.outcome == .continues })
    }

    @Test(
        arguments: [
            (["truncation": 0.25, "burn_in": 3], .truncation(0.25), 3),
            (["burn_in": 2], .portfolio(forPopulation: 8), 2),
            (["binary_tournament": nil, "burn_in": 4], .binaryTournament, 4), ("best", .best, 0),
            (["t_test": ["window": 5], "burn_in": 5], .tTest(window: 5), 5),
        ] as [(Value, ExploitRule, Int)])
    func `is read beside the rule, and written as it reads`(_ text: Value, _ rule: ExploitRule, _ burnIn: Int) throws {
        let experiment = try experiment(text)
        #expect(experiment.exploit == rule)
        #expect(experiment.burnIn == burnIn)
        #expect(try Experiment(document: Document(experiment.value), directory: "/") == experiment)
    }

    @Test func `a number below 0 is refused, as are two rules`() {
        let error = #expect(throws: DocumentError.self) { try experiment(["truncation": 0.2, "burn_in": -1]) }
        #expect(
            error.map { "\($0.path): \($0.problem)" }
                == "exploit.burn_in: must be a number of intervals from 0 to 1000000, not -1")
        let two = #expect(throws: DocumentError.self) { try experiment(["truncation": 0.2, "best": nil]) }
        #expect(two?.problem == "must have one rule, for example {truncation: 0.2}")
    }

    @Test func `an experiment without one is written as before`() throws {
        #expect(try experiment(["truncation": 0.25]).value["exploit"] == ["truncation": 0.25])
        #expect(try experiment("best").value["exploit"] == "best")
    }
}
