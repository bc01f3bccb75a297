// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import PBT

@Suite struct `A command template` {
    let space: SearchSpace = [
        "learning_rate": .logUniform(1e-5...1), "note": .constant(.null), "flag": .boolean,
        "layers": .choice([[64, 32]]), "kind": .choice(["relu", "tanh"]),
    ]

    func filled(_ command: [String], checkpointIn: String = "/in") throws -> [String] {
        try CommandTemplate(command, space: space).filled(
            CommandTemplate.Values(
                checkpointIn: checkpointIn, checkpointOut: "/out", results: "/results.json",
                hyperparametersFile: "/hyper.json", interval: IntervalID(member: 3, index: 12), depth: 9, seed: 17,
                intervalSeed: 23,
                hyperparameters: [
                    "learning_rate": 0.25, "note": nil, "flag": true, "layers": [64, 32], "kind": "re lu",
                ]))
    }

    @Test(arguments: [
        (["run", "--lr", "{learning_rate}"], ["run", "--lr", "0.25"]),
        (["run", "--lr={learning_rate},{kind}"], ["run", "--lr=0.25,re lu"]),
        (["run", "{note}"], ["run", ""]),
        (["run", "{layers}"], ["run", "[64,32]"]),
        (["run", "{checkpoint_in}", "{checkpoint_out}"], ["run", "/in", "/out"]),
        (["run", "{results}", "{hyperparameters}"], ["run", "/results.json", "/hyper.json"]),
        (["run", "{member}/{interval}/{depth}"], ["run", "3/12/9"]),
        (["run", "--seed={seed}", "{interval_seed}"], ["run", "--seed=17", "23"]),
        (["run", "{{\"a\": {member}}}"], ["run", "{\"a\": 3}"]),
        (["run", ""], ["run", ""]),
        (["{kind}", "x"], ["re lu", "x"]),
        (
            ["run", "{args}", "end"],
            ["run", "--flag", "true", "--kind", "re lu", "--layers", "[64,32]", "--learning_rate", "0.25", "end"]
        ),
    ])
    func `fills in placeholders`(_ command: [String], _ expected: [String]) throws {
        #expect(try filled(command) == expected)
    }

    @Test(arguments: ["depth", "seed", "interval_seed"])
    func `takes a hyperparameter of a newer placeholder's name, as files of earlier versions mean it`(
        _ name: String
    ) throws {
        let template = try CommandTemplate(["run", "{\(name)}"], space: SearchSpace([name: .integer(2...8)]))
        let values = CommandTemplate.Values(
            checkpointIn: "", checkpointOut: "", results: "", hyperparametersFile: "",
            interval: IntervalID(member: 0, index: 0), depth: 9, seed: 9, intervalSeed: 9, hyperparameters: [name: 4])
        #expect(template.filled(values) == ["run", "4"])
    }

    @Test func `keeps the argument of a founder's checkpoint in its place, empty`() throws {
        #expect(try filled(["run", "--from", "{checkpoint_in}"], checkpointIn: "") == ["run", "--from", ""])
    }

    @Test(arguments: [
        ([], "command: must name a program, for example [python3, train.py, \"{args}\"]"),
        (
            ["run", "--lr={learnig_rate}"],
            "command[1] \"--lr={learnig_rate}\": unknown placeholder {learnig_rate}; did you mean {learning_rate}?"
        ),
        (
            ["run", "{checkpoint-in}"],
            "command[1] \"{checkpoint-in}\": unknown placeholder {checkpoint-in}; did you mean {checkpoint_in}?"
        ),
        (
            ["awk", "{print $1}"],
            "command[1] \"{print $1}\": unknown placeholder {print $1}; write {{ and }} for braces"
        ),
        (["run", "{}"], "command[1] \"{}\": unknown placeholder {}; write {{ and }} for braces"),
        (["run", "a{"], "command[1] \"a{\": a '{' is never closed; write {{ for a brace"),
        (["run", "a}"], "command[1] \"a}\": a '}' closes nothing; write }} for a brace"),
        (
            ["run", "--all={args}"],
            "command[1] \"--all={args}\": {args} becomes several arguments and must stand alone: \"{args}\""
        ),
        (["{args}"], "command[0] \"{args}\": {args} cannot be the program"),
    ])
    func `names what is wrong before anything starts`(_ command: [String], _ message: String) {
        #expect(throws: PBTError(.badExperiment, message)) { try CommandTemplate(command, space: space) }
    }

    @Test func `lists what there is when nothing is near`() {
        let error = #expect(throws: PBTError.self) { try CommandTemplate(["run", "{epoch_count}"], space: space) }
        #expect(
            error?.message
                == "command[1] \"{epoch_count}\": unknown placeholder {epoch_count}; there are {learning_rate}, {note}, "
                + "{flag}, {layers}, {kind}, {args}, {checkpoint_in}, {checkpoint_out}, {hyperparameters}, {interval}, "
                + "{member}, {results}, {depth}, {seed}, {interval_seed}; write {{ and }} for braces")
    }
}
