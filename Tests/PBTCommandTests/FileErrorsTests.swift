// SPDX-License-Identifier: Apache-2.0

import Foundation
import PBT
import Testing

/// What is said about an experiment file, all at once.
@Suite(.timeLimit(.minutes(10))) struct FileErrorsTests {
    private static let broken = """
        name: broken
        objective: {metric: score, goal: up}
        poplation: 4
        intervals: 0
        space:
          lr: {log_unifrom: [1e-5, 1]}
          x: {uniform: [1, 0]}
        command: [./t.sh, --lr, "{lr}", "{intervall}", "${x}"]
        workers: none
        """

    @Test(arguments: ["run", "create", "check"])
    func `every problem has its line`(_ command: String) async throws {
        let place = try Workplace()
        try place.write(Self.broken, to: "broken.yaml")
        let answer = try await place.pbt(command, "broken.yaml")
        #expect(answer.code == 65)
        #expect(
            answer.error == """
                error: broken.yaml:2: objective.goal: must be maximize or minimize, not "up"
                error: broken.yaml:3: poplation: unknown key; did you mean "population"?
                error: broken.yaml:4: intervals: must be at least 1, not 0
                error: broken.yaml:6: space.lr.log_unifrom: unknown key; did you mean "log_uniform"?
                error: broken.yaml:7: space.x.uniform: needs the lower number first: [0, 1]
                error: broken.yaml:8: command[3] "{intervall}": unknown placeholder {intervall}; did you mean {interval}?
                error: broken.yaml:8: command[4]: "${x}": ${x} becomes a dollar sign and the value; write {x}
                error: broken.yaml:9: workers: must be an integer, not "none"

                """)
        #expect(!place.has("pbt.sqlite"))
    }

    @Test func `more than twenty are counted`() async throws {
        let place = try Workplace()
        let space = (1...30).map { "  x\($0): 1" }.joined(separator: "\n")
        try place.write(
            "name: a\nobjective: {metric: m, goal: max}\npopulation: 1\nintervals: 1\nspace:\n\(space)\ncommand: [\"true\"]\n",
            to: "a.yaml")
        let answer = try await place.pbt("create", "a.yaml")
        #expect(answer.error.split(separator: "\n").count == 21)
        #expect(answer.error.hasSuffix("error: a.yaml: 10 more problems\n"))
    }

    @Test(arguments: [
        (
            "command: [~/venv/bin/python, t.py]", 65,
            "error: a.yaml:6: command[0]: \"~/venv/bin/python\": no shell expands ~; write the full path: HOME/venv/bin/python\n"
        ),
        (
            "command: [$HOME/python, t.py]", 65,
            "error: a.yaml:6: command[0]: \"$HOME/python\": no shell expands $HOME; write the full path, or the program's name if it is in PATH\n"
        ),
        (
            "command: [\"true\", ~/data]", 0,
            "warning: a.yaml:6: command[1]: \"~/data\" is passed verbatim, since no shell expands ~; write HOME/data\n"
        ),
        (
            "command: [\"true\", --out, $HOME/x]", 0,
            "warning: a.yaml:6: command[2]: \"$HOME/x\" is passed verbatim, since no shell expands $HOME; write its value, or let a shell start the program: [sh, -c, \"exec …\"]\n"
        ),
        ("command: [sh, -c, \"exec t $HOME\"]", 0, ""),
        (
            "command: [\"true\"]\nenv: {P: \"$HOME/bin\"}", 0,
            "warning: a.yaml:7: env.P: \"$HOME/bin\" is passed verbatim, since nothing expands $HOME; write its value\n"
        ),
        (
            "command: python3 t.py --lr '{x}'", 65,
            "error: a.yaml:6: command: must be a list of the program and its arguments, since no shell splits it; write: command: [python3, t.py, --lr, \"{x}\"]\n"
        ),
    ])
    func `what only a shell would do is told`(_ lines: String, _ code: Int32, _ message: String) async throws {
        let place = try Workplace()
        try place.write(
            "name: a\nobjective: {metric: m, goal: max}\npopulation: 1\nintervals: 1\nspace: {x: {uniform: [0, 1]}}\n\(lines)\n",
            to: "a.yaml")
        let answer = try await place.pbt("create", "a.yaml")
        // The command is run without a HOME.
        #expect(
            answer.error
                == message.replacing("HOME/venv", with: "/home/NAME/venv").replacing(
                    "write HOME/", with: "write /home/NAME/"))
        #expect(answer.code == code)
    }

    @Test func `a command whose words are one string is told when there is no such program`() async throws {
        let place = try Workplace()
        try place.write(
            "name: a\nobjective: {metric: m, goal: max}\npopulation: 1\nintervals: 1\nspace: {x: {uniform: [0, 1]}}\ncommand: [\"python3 t.py\", --x]\n",
            to: "a.yaml")
        let answer = try await place.pbt("run", "a.yaml")
        #expect(answer.code == 65)
        #expect(
            answer.error.hasSuffix(
                "; the command is a list, since no shell splits it: command: [python3, t.py, --x]\n"), "\(answer.error)"
        )
    }

    @Test func `a byte order mark and line ends of Windows change nothing`() async throws {
        let place = try Workplace()
        let text =
            "\u{feff}name: a\r\nobjective: {metric: m, goal: max}\r\npopulation: 1\r\nintervals: 1\r\nspace:\r\n  x: {uniform: [0, 1]}\r\ncommand: [\"true\"]\r\nenv: {A: text}\r\n"
        try place.write(text, to: "a.yaml")
        #expect(try await place.pbt("create", "a.yaml").code == 0)
        try place.write(text.replacing("[0, 1]", with: "[1, 0]"), to: "b.yaml")
        #expect(try await place.pbt("create", "b.yaml").error.hasPrefix("error: b.yaml:6: space.x.uniform: "))
    }

    @Test func `groups and variables reach the program`() async throws {
        let place = try Workplace()
        try place.write(
            """
            #!/bin/sh
            printf '%s\\n' "$@" "$PBT_PARAM_MODEL_LR" "$A" > "$PBT_CHECKPOINT_OUT/seen"
            cat "$PBT_HYPERPARAMETERS" >> "$PBT_CHECKPOINT_OUT/seen"
            echo '{"m": 1}' > "$PBT_RESULTS"
            """, to: "t.sh")
        try place.write(
            """
            name: a
            objective: {metric: m, goal: max}
            population: 1
            intervals: 1
            space:
              gamma: {constant: 0.5}
              model: {lr: {constant: 0.25}, "on": {constant: true}, off: {constant: false}}
            command: [/bin/sh, t.sh, "{args:flags}", "{model.lr}"]
            env: {A: 1.10}
            """, to: "a.yaml")
        let answer = try await place.pbt("run", "a.yaml")
        #expect(answer.code == 0, "\(answer.error)")
        let seen = try place.read("pbt.data/a/checkpoints/m0000-i0000-a1/seen")
        #expect(
            seen == """
                --gamma
                0.5
                --model.lr
                0.25
                --model.on
                0.25
                0.25
                1.10
                {"gamma":0.5,"model":{"lr":0.25,"off":false,"on":true}}

                """)
    }

    @Test(arguments: [
        ("x=.001", "0.001"), ("x=1e-3", "0.001"), ("x=+1", "1"), ("x=1.", "1"), ("n=+3", "3"), ("w=1", "\"1\""),
        ("b=True", "true"), ("model.lr=.5", "0.5"), ("w=yes", "\"yes\""),
    ])
    func `pushed values are read as their hyperparameter takes them`(_ pair: String, _ value: String) async throws {
        let place = try Workplace()
        try await Self.manual(in: place)
        let answer = try await place.pbt("push", "m", pair, "--json")
        #expect(answer.code == 0, "\(answer.error)")
        let name = String(pair.prefix { $0 != "=" })
        let pushed = try Value(json: answer.output)["hyperparameters"]?[name]
        #expect(
            try pushed?.double == Value(json: value).double && (pushed?.double != nil || pushed == Value(json: value)))
    }

    @Test(arguments: [
        ("x=inf", "hyperparameter \"x\" must be a finite number, not \"inf\""),
        ("x=nan", "hyperparameter \"x\" must be a finite number, not \"nan\""),
        ("x=.inf", "hyperparameter \"x\" must be a finite number, not .inf"),
        ("x=0,5", "hyperparameter \"x\" must be a finite number, not \"0,5\""),
        ("x=", "hyperparameter \"x\" must be a finite number, not \"\""),
    ])
    func `what no hyperparameter can be is told`(_ pair: String, _ message: String) async throws {
        let place = try Workplace()
        try await Self.manual(in: place)
        let answer = try await place.pbt("push", "m", pair)
        #expect(answer.code == 64)
        #expect(answer.error == "error: \(message)\n")
    }

    private static func manual(in place: Workplace) async throws {
        try place.write(
            """
            name: m
            kind: manual
            objective: {metric: s, goal: maximize}
            intervals: 1
            space:
              x: {uniform: [0, 1]}
              n: {integer: [1, 8]}
              w: {choice: ["1", "yes"]}
              b: boolean
              model: {lr: {uniform: [0, 1]}}
            command: [sh]
            """, to: "m.yaml")
        #expect(try await place.pbt("create", "m.yaml").code == 0)
    }
}
