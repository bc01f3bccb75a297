// SPDX-License-Identifier: Apache-2.0

import Foundation
import SystemPackage
import Testing

/// An experiment file with one thing wrong, and what `pbt` says about it.
struct BrokenFile: Sendable, CustomTestStringConvertible {
    private static let sound = [
        "name: broken", "objective: {metric: score, goal: maximize}", "population: 2", "intervals: 2", "space:",
        "  x: {uniform: [0, 1]}", "command: [./trainer.sh, \"{x}\"]",
    ]

    let what: String
    let text: String
    /// After `error: broken.yaml:`; `DIRECTORY` stands for the file's.
    let message: String

    /// A file of its own.
    init(_ what: String, text: String, _ message: String) {
        self.what = what
        self.text = text
        self.message = message
    }

    /// A sound file but for one line, from 1.
    init(_ what: String, line: Int, _ text: String, _ message: String) {
        var lines = Self.sound
        lines.replaceSubrange(line - 1..<line, with: text.isEmpty ? [] : [text])
        self.init(what, text: lines.joined(separator: "\n") + "\n", message)
    }

    /// A sound file with more at its end.
    init(_ what: String, adding text: String, _ message: String) {
        self.init(what, text: (Self.sound + [text]).joined(separator: "\n") + "\n", message)
    }

    var testDescription: String { what }

    static let all = [
        BrokenFile(
            "an empty file", text: "",
            "1: the file is empty; see the experiment file's documentation"),
        BrokenFile(
            "a file of comments", text: "# nothing\n",
            "1: the file is empty; see the experiment file's documentation"),
        BrokenFile(
            "a list", text: "- a\n- b\n",
            "1: must be an object with \"name\", \"kind\", \"objective\", \"population\", not a list"),
        BrokenFile(
            "a word", text: "hello\n",
            "1: must be an object with \"name\", \"kind\", \"objective\", \"population\", not a string"),
        BrokenFile(
            "an open bracket", line: 6, "  x: {uniform: [0, 1}",
            "6: is not YAML: while parsing a flow sequence did not find expected ',' or ']'"),
        BrokenFile(
            "an indentation by a tab", line: 6, "\tx: {uniform: [0, 1]}",
            "6: is not YAML: while scanning for the next token found character that cannot start any token; the line is indented by a tab: use spaces"
        ),
        BrokenFile(
            "two documents", adding: "---\nname: other",
            "8: holds a second document; keep one a file"),
        BrokenFile(
            "a duplicated key", adding: "population: 3",
            "3: \"population\" is duplicated in one object; keep one"),
        BrokenFile(
            "aliases of aliases",
            text: "a: &a {}\n" + (0..<40).map { "b\($0): &a {<<: [*a, *a]}\n" }.joined(),
            "16: has more than 200000 parts once its aliases are expanded"),
        BrokenFile(
            "a name that is a list of aliases of aliases",
            text: "a: &a []\n" + (0..<40).map { "b\($0): &a [*a, *a]\n" }.joined() + "? [*a, *a]\n: 1\n",
            "17: has more than 200000 parts once its aliases are expanded"),
        BrokenFile(
            "an alias that names nothing", line: 6, "  x: *nothing",
            "6: is not YAML: found undefined alias"),
        BrokenFile(
            "a tag", line: 1, "name: !thing broken",
            "1: has the unsupported tag !thing; remove it"),
        BrokenFile(
            "a key that is a list", adding: "[a, b]: 1",
            "8: has a name that is a list or an object; names are strings"),
        BrokenFile(
            "a merge of text", line: 6, "  x: {<<: text, uniform: [0, 1]}",
            "6: <<: must be an alias of an object, such as <<: *name"),
        BrokenFile(
            "no name", line: 1, "",
            "1: name: is missing; write for example: name: mnist"),
        BrokenFile(
            "a name with a control character", line: 1, "name: \"a\\nb\"",
            "1: name: must not contain control characters"),
        BrokenFile(
            "a name that looks like an option", line: 1, "name: -f",
            "1: name: must not start with '-', which would be read as an option"),
        BrokenFile(
            "an unknown key", adding: "poplation: 3",
            "8: poplation: unknown key; did you mean \"population\"?"),
        BrokenFile(
            "a key of another program", adding: "quantile_fraction: 0.25",
            "8: quantile_fraction: unknown key; write exploit: {truncation: FRACTION}"),
        BrokenFile(
            "no objective", line: 2, "",
            "1: objective: is missing; write for example: objective: {metric: accuracy, goal: maximize}"),
        BrokenFile(
            "an objective without a goal", line: 2, "objective: {metric: score}",
            "2: objective.goal: is missing; write for example: goal: maximize"),
        BrokenFile(
            "an unknown goal", line: 2, "objective: {metric: score, goal: up}",
            "2: objective.goal: must be maximize or minimize, not \"up\""),
        BrokenFile(
            "no population", line: 3, "",
            "1: population: is missing; write for example: population: 20"),
        BrokenFile(
            "a population of zero", line: 3, "population: 0",
            "3: population: must be at least 1, not 0"),
        BrokenFile(
            "a population in words", line: 3, "population: ten",
            "3: population: must be an integer, not \"ten\""),
        BrokenFile(
            "a fraction of a member", line: 3, "population: 2.5",
            "3: population: must be an integer, not 2.5"),
        BrokenFile(
            "no intervals", line: 4, "",
            "1: intervals: is missing; write for example: intervals: 20"),
        BrokenFile(
            "an empty space", line: 6, "",
            "5: space: must have at least one hyperparameter, for example learning_rate: {log_uniform: [1e-5, 1]}"),
        BrokenFile(
            "a hyperparameter without a range", line: 6, "  x: 0.1",
            "6: space.x: must be a distribution, for example {uniform: [0, 1]} or {constant: 0.1}, not 0.1"),
        BrokenFile(
            "a range with one number", line: 6, "  x: {uniform: [1]}",
            "6: space.x.uniform: must be two finite numbers, the lower first, not [1]"),
        BrokenFile(
            "a range that goes down", line: 6, "  x: {uniform: [1, 0]}",
            "6: space.x.uniform: needs the lower number first: [0, 1]"),
        BrokenFile(
            "a range of no width", line: 6, "  x: {uniform: [1, 1]}",
            "6: space.x.uniform: needs two different numbers; for a fixed value write {constant: 1}"),
        BrokenFile(
            "a logarithm of zero", line: 6, "  x: {log_uniform: [0, 1]}",
            "6: space.x.log_uniform: needs numbers above 0, not 0; 0 has no logarithm"),
        BrokenFile(
            "an infinite range", line: 6, "  x: {uniform: [0, .inf]}",
            "6: space.x.uniform: must be two finite numbers, the lower first, not [0, .inf]"),
        BrokenFile(
            "a mistyped distribution", line: 6, "  x: {unifrom: [0, 1]}",
            "6: space.x.unifrom: unknown key; did you mean \"uniform\"?"),
        BrokenFile(
            "two distributions", line: 6, "  x: {uniform: [0, 1], log_uniform: [1, 2]}",
            "6: space.x: has uniform and log_uniform; keep one"),
        BrokenFile(
            "an empty choice", line: 6, "  x: {choice: []}",
            "6: space.x.choice: needs at least one value"),
        BrokenFile(
            "a choice that stands twice", line: 6, "  x: {choice: [1, 1]}",
            "6: space.x.choice: has 1 twice; give it more weight instead"),
        BrokenFile(
            "weights that do not match", line: 6, "  x: {choice: [a, b], weights: [1]}",
            "6: space.x.weights: must be 2 numbers of at least 0, one for each value, not all 0"),
        BrokenFile(
            "bounds inside the range", line: 6, "  x: {uniform: [0, 1], bounds: [0.5, 1]}",
            "6: space.x.bounds: must enclose [0, 1], which founders are drawn from"),
        BrokenFile(
            "an option that has no meaning", line: 6, "  x: {boolean: true, quantum: 2}",
            "6: space.x.quantum: cannot be combined with boolean"),
        BrokenFile(
            "a reserved name", line: 6, "  x: {uniform: [0, 1]}\n  member: {uniform: [0, 1]}",
            "7: space.member: {member} is a reserved placeholder of commands; choose another name"),
        BrokenFile(
            "names that share a variable", line: 6, "  x: {uniform: [0, 1]}\n  X: {uniform: [0, 1]}",
            "7: space.X: would share the environment variable PBT_PARAM_X with \"x\"; rename one"),
        BrokenFile(
            "an unknown exploit rule", adding: "exploit: truncaton",
            "8: exploit: unknown rule \"truncaton\"; did you mean \"truncation\"?"),
        BrokenFile(
            "a fraction above one half", adding: "exploit: {truncation: 0.6}",
            "8: exploit.truncation: must be above 0 and at most 0.5, a fraction of the population, not 0.6"),
        BrokenFile(
            "two exploit rules", adding: "exploit: {truncation: 0.2, best: true}",
            "8: exploit: must have one rule, for example {truncation: 0.2}"),
        BrokenFile(
            "an unknown explore rule", adding: "explore: mutate",
            "8: explore: unknown rule \"mutate\"; known: perturb, step, resample, none, ray, pb2, pb2_mix"),
        BrokenFile(
            "a factor of zero", adding: "explore: {perturb: [0, 1.2]}",
            "8: explore.perturb: must be a list of factors above 0, for example [0.8, 1.25], not [0,1.2]"),
        BrokenFile(
            "a probability above one", adding: "explore: {resample: 2}",
            "8: explore.resample: must be a probability between 0 and 1, not 2.0"),
        BrokenFile(
            "yes for true", adding: "synchronous: yes",
            "8: synchronous: must be true or false, not \"yes\""),
        BrokenFile(
            "a time without a unit that is known", adding: "timeout: 10 minutes",
            "8: timeout: must be a time such as 90s, 10m or 2h, not \"10 minutes\""),
        BrokenFile(
            "a negative number of retries", adding: "retries: -1",
            "8: retries: must be at least 0, not -1"),
        BrokenFile(
            "no worker", adding: "workers: 0",
            "8: workers: must be at least 1, not 0"),
        BrokenFile(
            "a negative device", adding: "gpus: [-1]",
            "8: gpus: must contain device numbers or names, or groups of them such as [[0, 1], [2, 3]], not -1"),
        BrokenFile(
            "a group without devices", adding: "gpus: [[0, 1], []]",
            "8: gpus[1]: must name the devices of one worker, for example [0, 1]"),
        BrokenFile(
            "nothing kept", adding: "keep: {best: 0}",
            "8: keep.best: must be at least 1, not 0"),
        BrokenFile(
            "an unknown baseline", adding: "baseline: grid",
            "8: baseline: must be random_search or successive_halving, not \"grid\""),
        BrokenFile(
            "an initial value outside the space", adding: "initial:\n  - {x: 2}",
            "9: initial[0]: hyperparameter \"x\" must be between 0.0 and 1.0, not 2"),
        BrokenFile(
            "an initial value of no hyperparameter", adding: "initial:\n  - {y: 1}",
            "9: initial[0]: there is no hyperparameter \"y\" in the space; did you mean \"x\"?"),
        BrokenFile(
            "more initial configurations than members", adding: "initial: [{x: 0.1}, {x: 0.2}, {x: 0.3}]",
            "8: initial: has 3 entries for a population of 2"),
        BrokenFile(
            "no command", line: 7, "",
            "1: command: is missing; write for example: command: [python3, train.py, \"{args}\"]"),
        BrokenFile(
            "a command in one text", line: 7, "command: ./trainer.sh",
            "7: command: must be a list of the program and its arguments, since no shell splits it; write: command: [./trainer.sh]"
        ),
        BrokenFile(
            "an empty command", line: 7, "command: []",
            "7: command: must name a program, for example [python3, train.py, \"{args}\"]"),
        BrokenFile(
            "an unknown placeholder", line: 7, "command:\n  - ./trainer.sh\n  - \"--x={y}\"",
            "9: command[1] \"--x={y}\": unknown placeholder {y}; did you mean {x}?"),
        BrokenFile(
            "a mistyped placeholder", line: 7, "command: [./trainer.sh, \"{checkpoint_out}\", \"{intervall}\"]",
            "7: command[2] \"{intervall}\": unknown placeholder {intervall}; did you mean {interval}?"),
        BrokenFile(
            "a brace that is never closed", line: 7, "command: [./trainer.sh, \"{x\"]",
            "7: command[1] \"{x\": a '{' is never closed; write {{ for a brace"),
        BrokenFile(
            "arguments inside an argument", line: 7, "command: [./trainer.sh, \"--all={args}\"]",
            "7: command[1] \"--all={args}\": {args} becomes several arguments and must stand alone: \"{args}\""),
        BrokenFile(
            "a program that is not there", line: 7, "command: [./tariner.sh]",
            "7: command: there is no program DIRECTORY/./tariner.sh"),
        BrokenFile(
            "a program that is not in PATH", line: 7, "command: [no-such-program]",
            "7: command: there is no program \"no-such-program\" in PATH; install it, or name it by its path"),
        BrokenFile(
            "a program of the directory without its point", line: 7, "command: [trainer.sh]",
            "7: command: there is no program \"trainer.sh\" in PATH; there is one in the experiment's directory: write ./trainer.sh"
        ),
        BrokenFile(
            "a program that may not be executed", line: 7, "command: [./broken.yaml]",
            "7: command: DIRECTORY/./broken.yaml may not be executed; run chmod +x DIRECTORY/./broken.yaml, or put its interpreter before it in the command"
        ),
        BrokenFile(
            "a directory as program", line: 7, "command: [./folder]",
            "7: command: DIRECTORY/./folder is a directory, not a program"),
        BrokenFile(
            "a directory that is not there", adding: "directory: /no/such/directory",
            "7: command: the experiment's directory /no/such/directory is not there; it is where the command is started"
        ),
    ]
}

@Suite struct BrokenFileTests {
    @Test(arguments: BrokenFile.all)
    func `a broken experiment file is refused with its line, and nothing is created`(_ file: BrokenFile) async throws {
        let place = try Workplace()
        try place.write("#!/bin/sh\n", to: "trainer.sh")
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: place.path("trainer.sh"))
        try FileManager.default.createDirectory(atPath: place.path("folder"), withIntermediateDirectories: false)
        try place.write(file.text, to: "broken.yaml")
        let answer = try await place.pbt("run", "broken.yaml")
        let message = file.message.replacing("DIRECTORY", with: place.directory.string)
        #expect(answer.error == "error: broken.yaml:\(message)\n")
        #expect(answer.code == 65)
        #expect(answer.output.isEmpty)
        #expect(!place.has("pbt.sqlite"))
    }

    @Test(arguments: [
        ("binary.yaml", [0, 1, 2, 3] as [UInt8], 65, "binary.yaml: holds a null character; is it a text file?"),
        ("control.yaml", [0x61, 0x0a, 0x01], 65, "control.yaml:2: holds a control character; is it a text file?"),
        ("latin1.yaml", [0x61, 0x0a, 0xe9, 0x0a], 65, "latin1.yaml:2: is not UTF-8; is it a text file?"),
        ("utf16.yaml", [0xff, 0xfe, 0x61, 0x00], 65, "utf16.yaml is UTF-16; save it as UTF-8"),
        (
            "huge.yaml", [UInt8](repeating: 0x23, count: 5 << 20), 65,
            "huge.yaml is larger than 4 MiB; is it an experiment file?"
        ),
        (
            "broken.json", Array(#"{"name": "a",}"#.utf8), 65,
            "broken.json:1: is not JSON: expected a name in quotation marks"
        ),
        (
            "bomb.yaml",
            Array(
                "a: &a [1,1,1,1,1,1,1,1,1,1]\n".utf8)
                + (0..<8).flatMap { i in
                    let name = ["a", "b", "c", "d", "e", "f", "g", "h", "i"]
                    return Array(
                        "\(name[i + 1]): &\(name[i + 1]) [\((0..<10).map { _ in "*\(name[i])" }.joined(separator: ","))]\n"
                            .utf8)
                }, 65, "bomb.yaml:6: has more than 200000 parts once its aliases are expanded"
        ),
    ])
    func `a file that is no text is refused`(
        _ name: String, _ bytes: [UInt8], _ code: Int32, _ message: String
    ) async throws {
        let place = try Workplace()
        try place.write(bytes, to: name)
        let answer = try await place.pbt("run", name)
        #expect(answer.error == "error: \(message)\n")
        #expect(answer.code == code)
    }

    @Test func `a file that is not there, and a directory, are told apart`() async throws {
        let place = try Workplace()
        let missing = try await place.pbt("run", "missing.yaml")
        #expect(missing.error == "error: there is no file missing.yaml\n")
        #expect(missing.code == 66)
        let directory = try await place.pbt("run", place.directory.string)
        #expect(
            directory.error.hasSuffix(
                " is a directory; name an experiment file, for example \(place.directory)/experiment.yaml\n"))
        #expect(directory.code == 65)
    }

    @Test func `numbers, words, anchors and merge keys mean what they mean in YAML 1.2`() async throws {
        let place = try Workplace()
        try place.write(
            """
            name: 007
            objective: &objective {<<: {goal: minimize}, metric: on}
            population: 2
            intervals: 1
            space:
              rate: {log_uniform: [1e-5, 1E-2]}
              word: {choice: [yes, no, off, ~, true, 1:30, 0o7, 1_000, .5]}
              same: &same {uniform: [0, 1.]}
              again: {<<: *same, mutable: false}
            command: [/bin/sh, sum.sh]
            """, to: "words.yaml")
        let created = try await place.pbt("create", "words.yaml")
        #expect(created.code == 0, "\(created.error)")
        let shown = try await place.pbt("export", "007", "-o", "json")
        #expect(shown.code == 0, "\(shown.error)")
        let place2 = try Workplace()
        try place2.write(
            #"{"name": "j\ud83d\ude00", "objective": {"metric": "m", "goal": "max"}, "population": 1, "intervals": 1,"#
                + "\n\t" + #""space": {"x": {"constant": "\/"}}, "command": ["true"]}"#, to: "e.json")
        let json = try await place2.pbt("create", "e.json", "--json")
        #expect(json.code == 0, "\(json.error)")
        #expect(json.output.contains("j😀"))
    }
}
