// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import PBT

@Suite struct `Forms of arguments` {
    private static let space: SearchSpace = [
        "lr": .uniform(-1...1), "use_lstm": .boolean, "opt": .choice([nil, "adam"]), "hiddens": .choice([[64, 32]]),
        "note": .choice(["a b", "it's"]),
    ]

    private static func filled(_ argument: String, _ hyperparameters: Hyperparameters) throws -> [String] {
        Array(
            try CommandTemplate(["t", argument], space: space).filled(
                CommandTemplate.Values(
                    checkpointIn: "", checkpointOut: "/out", results: "/r", hyperparametersFile: "/h",
                    interval: IntervalID(member: 0, index: 0), depth: 1, hyperparameters: hyperparameters)
            ).dropFirst())
    }

    @Test(
        arguments: [
            ("{args}", ["--lr", "0.5", "--use_lstm", "false"]),
            ("{args:flags}", ["--lr", "0.5"]),
            ("{args:no-flags}", ["--lr", "0.5", "--no-use_lstm"]),
            ("{args:equals}", ["--lr=0.5", "--use_lstm=false"]),
            ("{args:hydra}", ["lr=0.5", "opt=null", "use_lstm=false"]),
            ("{use_lstm:flag}", []),
        ] as [(String, [String])])
    func `false and null`(_ argument: String, _ expected: [String]) throws {
        #expect(try Self.filled(argument, ["lr": 0.5, "use_lstm": false, "opt": nil]) == expected)
    }

    @Test(
        arguments: [
            ("{args}", ["--lr", "-1e-05", "--opt", "adam", "--use_lstm", "true"]),
            ("{args:flags}", ["--lr=-1e-05", "--opt", "adam", "--use_lstm"]),
            ("{args:no-flags}", ["--lr=-1e-05", "--opt", "adam", "--use_lstm"]),
            ("{args:equals}", ["--lr=-1e-05", "--opt=adam", "--use_lstm=true"]),
            ("{args:hydra}", ["lr=-1e-05", "opt=adam", "use_lstm=true"]),
            ("{use_lstm:flag}", ["--use_lstm"]),
        ] as [(String, [String])])
    func `true and numbers below zero`(_ argument: String, _ expected: [String]) throws {
        #expect(try Self.filled(argument, ["lr": -1e-5, "use_lstm": true, "opt": "adam"]) == expected)
    }

    @Test(
        arguments: [
            ("a b", "n='a b'"), ("it's", "n='it\\'s'"), ("a\\", "n='a\\\\'"), ("", "n=''"), ("null", "n='null'"),
            ("True", "n='True'"), ("1e3", "n='1e3'"), ("resnet-50/v2.1", "n=resnet-50/v2.1"), ("${x}", "n='${x}'"),
            ([64, 32], "n=[64,32]"), ([nil, "x,y"], "n=[null,'x,y']"),
            (["a": 1, "b c": [true]], "n={a:1,'b c':[true]}"),
        ] as [(Value, String)])
    func `a value in Hydra's grammar`(_ value: Value, _ expected: String) {
        #expect(ArgumentForm.hydra.arguments("n", value) == [expected])
    }

    @Test(arguments: [
        ("{args:flag}", "unknown placeholder {args:flag}; did you mean {args:flags}?"),
        (
            "{args:xyzzy}",
            "unknown placeholder {args:xyzzy}; there are {args}, {args:flags}, {args:no-flags}, {args:equals}, {args:hydra}"
        ),
        ("{lr:flag}", "{lr:flag}: lr is never true or false, so it is not a flag; write --lr={lr}"),
        ("{use_lstn:flag}", "{use_lstn:flag}: there is no hyperparameter \"use_lstn\"; did you mean {use_lstm:flag}?"),
        ("x{use_lstm:flag}", "{use_lstm:flag} becomes one argument or none and must stand alone: \"{use_lstm:flag}\""),
        (
            "${HOME}/x",
            "unknown placeholder {HOME}; no shell expands ${HOME}; write its value, or ${{HOME}} in the script of a shell"
        ),
    ])
    func `a form that does not exist is told`(_ argument: String, _ problem: String) {
        #expect(throws: PBTError(.badExperiment, "command[1] \"\(argument)\": \(problem)")) {
            try CommandTemplate(["t", argument], space: Self.space)
        }
    }

    @Test func `each wrong argument is told, not the first alone`() {
        let problems = CommandTemplate.problems(in: ["t", "{rl}", "{lr}", "{"], space: Self.space)
        #expect(problems.map(\.argument) == [1, 3])
    }
}
