// SPDX-License-Identifier: Apache-2.0

import PBT
import Testing

/// A definition with something wrong in it, and what is said about it.
struct Broken: Sendable, CustomTestStringConvertible {
    /// Keys that replace those of a good definition; `null` takes a key out.
    let json: String
    let message: String

    init(_ json: String, _ message: String) {
        self.json = json
        self.message = message
    }

    var testDescription: String { json }

    var value: Value {
        get throws {
            var object: [String: Value] = [
                "name": "x", "objective": ["metric": "m", "goal": "max"], "population": 4, "intervals": 2,
                "space": ["a": ["uniform": [0, 1]]],
            ]
            for (name, value) in try Value(json: json).object ?? [:] {
                if value == .null { object.removeValue(forKey: name) } else { object[name] = value }
            }
            return .object(object)
        }
    }

    /// The message; nothing when the definition is read.
    var complaint: String? {
        get throws {
            do {
                _ = try Experiment(document: Document(value), directory: "/dir")
                return nil
            } catch let error as DocumentError {
                return error.description
            }
        }
    }
}

@Suite("Broken definitions") struct BrokenDefinitionTests {
    @Test(arguments: [
        Broken(#"{"name": null}"#, "name: is missing; write for example: name: mnist"),
        Broken(#"{"name": ""}"#, #"name: must be a string, not """#),
        Broken(#"{"name": []}"#, "name: must be a string, not []"),
        Broken(#"{"name": "-x"}"#, "name: must not start with '-', which would be read as an option"),
        Broken(#"{"name": " x"}"#, "name: must not start or end with a space"),
        Broken(#"{"name": "a\nb"}"#, "name: must not contain control characters"),
        Broken(
            #"{"objective": null}"#,
            "objective: is missing; write for example: objective: {metric: accuracy, goal: maximize}"),
        Broken(#"{"objective": "accuracy"}"#, #"objective: must be an object with "metric", "goal", not a string"#),
        Broken(#"{"objective": {"metric": "m"}}"#, "objective.goal: is missing; write for example: goal: maximize"),
        Broken(#"{"objective": {"goal": "max"}}"#, "objective.metric: is missing; write for example: metric: accuracy"),
        Broken(#"{"objective": {"metric": "", "goal": "max"}}"#, "objective.metric: must be the name of a metric"),
        Broken(
            #"{"objective": {"metric": "m", "goal": "up"}}"#, #"objective.goal: must be maximize or minimize, not "up""#
        ),
        Broken(
            #"{"objective": {"metric": "m", "mode": "max"}}"#,
            "objective.mode: unknown key; write goal: maximize or goal: minimize"),
        Broken(#"{"population": null}"#, "population: is missing; write for example: population: 20"),
        Broken(#"{"population": 0}"#, "population: must be at least 1, not 0"),
        Broken(#"{"population": 2.5}"#, "population: must be an integer, not 2.5"),
        Broken(#"{"population": "4"}"#, #"population: must be an integer, not "4""#),
        Broken(#"{"population": 1000001}"#, "population: must be at most 1000000, not 1000001"),
        Broken(#"{"intervals": null}"#, "intervals: is missing; write for example: intervals: 20"),
        Broken(#"{"intervals": -1}"#, "intervals: must be at least 1, not -1"),
        Broken(#"{"seed": 0.5}"#, "seed: must be an integer, not 0.5"),
        Broken(#"{"retries": -1}"#, "retries: must be at least 0, not -1"),
        Broken(#"{"kind": "grid"}"#, #"kind: must be pbt, random_search, successive_halving, or manual, not "grid""#),
        Broken(
            #"{"kind": "manuel"}"#,
            #"kind: must be pbt, random_search, successive_halving, or manual, not "manuel"; did you mean manual?"#),
        Broken(#"{"kind": "replay"}"#, "kind: replay needs a schedule: one object an interval"),
        Broken(#"{"schedule": [{}, {}]}"#, "schedule: requires kind: replay"),
        Broken(#"{"kind": "replay", "schedule": [{}]}"#, "schedule: must be a list of 2 objects, one an interval"),
        Broken(#"{"preset": "raytune"}"#, #"preset: must be "ray", "paper", or "portfolio", not "raytune""#),
        Broken(#"{"synchronous": "yes"}"#, #"synchronous: must be true or false, not "yes""#),
        Broken(
            #"{"synchronous": {"deadline": "soon"}}"#,
            #"synchronous.deadline: must be a time such as 90s, 10m or 2h, not "soon""#),
        Broken(#"{"baseline": "grid"}"#, #"baseline: must be random_search or successive_halving, not "grid""#),
        Broken(
            #"{"kind": "random_search", "baseline": "random_search"}"#, "baseline: requires kind: pbt"),
        Broken(#"{"stop": {"target": "high"}}"#, #"stop.target: must be a finite number, not "high""#),
        Broken(#"{"stop": {"target": NaN}}"#, "stop.target: must be a finite number, not null"),
        Broken(#"{"stop": {"after": 0}}"#, "stop.after: must be a time such as 90s, 10m or 2h, not 0"),
        Broken(#"{"stop": {"time": 1}}"#, "stop.time: unknown key; known keys: target, after"),
        Broken(#"{"keep": {"best": 0}}"#, "keep.best: must be at least 1, not 0"),
        Broken(#"{"metrics": "loss"}"#, #"metrics: must be a list, not a string ("loss")"#),
        Broken(#"{"metrics": ["a", 7]}"#, "metrics[1]: must be the name of a metric: metrics: [test_accuracy]"),
        Broken(#"{"metrics": ["a", "a"]}"#, #"metrics[1]: is duplicated: "a"; remove it"#),
        Broken(
            #"{"evaluate": true}"#,
            "evaluate: requires a command: checkpoints are evaluated by a program; trainers in Swift have none"),
        Broken(
            #"{"command": ["a"], "evaluate": {"repeats": 0}}"#,
            "evaluate.repeats: must be at least 1, not 0"),
        Broken(
            #"{"command": ["a"], "evaluate": {"seeds": 3}}"#,
            "evaluate.seeds: unknown key; write repeats: NUMBER"),
        Broken(
            #"{"command": ["a"], "evaluate": {"command": "test.py 1"}}"#,
            "evaluate.command: must be a list of the program and its arguments, since no shell splits it; write: command: [test.py, 1]"
        ),
        Broken(
            #"{"command": ["a"], "persistent": true, "evaluate": {}}"#,
            "evaluate: needs a command of its own with persistent: true, whose program is not started for an evaluation: evaluate: {command: [PROGRAM, …]}"
        ),
        Broken(#"{"keep": 3}"#, #"keep: must be an object with "best", "last", not a number"#),
    ])
    func `what is wrong at the top is named`(broken: Broken) throws {
        let complaint = try broken.complaint
        #expect(complaint == broken.message)
    }

    @Test(arguments: [
        Broken(#"{"populaton": 4}"#, #"populaton: unknown key; did you mean "population"?"#),
        Broken(
            #"{"zzzzzzzz": 4}"#,
            "zzzzzzzz: unknown key; known keys: name, kind, objective, population, intervals, seed, space, initial, from, preset, exploit, explore, synchronous, decide, open, command, workers, gpus, threads, retries, timeout, grace, stop, keep, baseline, schedule, directory, persistent, env, order, metrics, evaluate, constraints, halving"
        ),
        Broken(#"{"metric": "m"}"#, "metric: unknown key; write objective: {metric: NAME, goal: maximize}"),
        Broken(#"{"quantile_fraction": 0.2}"#, "quantile_fraction: unknown key; write exploit: {truncation: FRACTION}"),
        Broken(
            #"{"perturbation_interval": 4}"#,
            "perturbation_interval: unknown key; an interval is one run of the command; let it train for as long as an interval should last"
        ),
        Broken(#"{"num_samples": 4}"#, "num_samples: unknown key; write population: NUMBER"),
        Broken(#"{"exploit": {"quantile": 0.2}}"#, "exploit.quantile: unknown key; write truncation: 0.2"),
        Broken(
            #"{"explore": {"resample_probability": 0.2}}"#,
            "explore.resample_probability: unknown key; write resample: PROBABILITY"),
        Broken(
            #"{"space": {"a": {"loguniform": [1, 2]}}}"#,
            #"space.a.loguniform: unknown key; did you mean "log_uniform"?"#),
        Broken(
            #"{"space": {"a": {"quniform": [1, 2]}}}"#,
            "space.a.quniform: unknown key; write uniform: [LOW, HIGH] and quantum: STEP"),
    ])
    func `an unknown key is refused with what is meant`(broken: Broken) throws {
        let complaint = try broken.complaint
        #expect(complaint == broken.message)
    }

    @Test(arguments: [
        Broken(#"{"exploit": "trunction"}"#, #"exploit: unknown rule "trunction"; did you mean "truncation"?"#),
        Broken(
            #"{"exploit": "xyz"}"#,
            #"exploit: unknown rule "xyz"; known: truncation, multi_frequency, binary_tournament, t_test, best, none, self, ray"#
        ),
        Broken(#"{"exploit": {}}"#, "exploit: must have one rule, for example {truncation: 0.2}"),
        Broken(
            #"{"exploit": {"truncation": 0.2, "best": true}}"#,
            "exploit: must have one rule, for example {truncation: 0.2}"),
        Broken(
            #"{"exploit": {"truncation": 0}}"#,
            "exploit.truncation: must be above 0 and at most 0.5, a fraction of the population, not 0.0"),
        Broken(
            #"{"exploit": {"truncation": 0.6}}"#,
            "exploit.truncation: must be above 0 and at most 0.5, a fraction of the population, not 0.6"),
        Broken(#"{"exploit": {"truncation": {"bottom": 0.2}}}"#, "exploit.truncation.top: is missing; write top: 0.2"),
        Broken(#"{"exploit": {"t_test": {"window": 1}}}"#, "exploit.t_test.window: must be at least 2, not 1"),
        Broken(
            #"{"exploit": {"t_test": {"significance": 1}}}"#,
            "exploit.t_test.significance: must be between 0 and 1, exclusive, not 1.0"),
        Broken(#"{"exploit": {"ray": 0}}"#, "exploit.ray: must be above 0 and at most 0.5, not 0.0"),
        Broken(#"{"explore": "pertub"}"#, #"explore: unknown rule "pertub"; did you mean "perturb"?"#),
        Broken(
            #"{"explore": {"perturb": []}}"#,
            "explore.perturb: must be a list of factors above 0, for example [0.8, 1.25], not []"),
        Broken(
            #"{"explore": {"perturb": [0.8, -1]}}"#,
            "explore.perturb: must be a list of factors above 0, for example [0.8, 1.25], not [0.8,-1]"),
        Broken(#"{"explore": {"perturb": 0.2}}"#, "explore.perturb: must be a list, not a number (0.2)"),
        Broken(
            #"{"explore": {"perturb": {"uniform": [1.2, 0.8]}}}"#,
            "explore.perturb.uniform: must be two factors above 0, the lower first, not [1.2, 0.8]"),
        Broken(
            #"{"explore": {}}"#,
            "explore: must be a rule, for example {perturb: [0.8, 1.25], resample: 0.1}; to change nothing write none"),
        Broken(#"{"decide": "never"}"#, #"decide: must be certain, early, or late, not "never""#),
        Broken(
            #"{"decide": {"certain": {"patience": "soon"}}}"#,
            #"decide.certain.patience: must be a time such as 90s, 10m or 2h, not "soon""#),
        Broken(
            #"{"decide": {"certain": {"deadline": "1h"}}, "synchronous": true}"#,
            "decide: cannot have patience or a deadline with synchronous, which waits for all; write "
                + "synchronous: {deadline: 30m}"),
        Broken(#"{"open": 1}"#, "open: must be true or false, not 1"),
        Broken(
            #"{"decide": "late", "synchronous": true}"#,
            "decide: late cannot be combined with synchronous, which decides when a generation is complete"),
        Broken(
            #"{"open": true, "synchronous": {"deadline": 5}}"#,
            "open: cannot be combined with synchronous: members that come at any time do not form generations"),
        Broken(
            #"{"open": true, "baseline": "random_search"}"#,
            "open: cannot be combined with baseline: without an end there is no budget to compare at"),
        Broken(
            #"{"open": true, "kind": "replay", "schedule": [{}, {}]}"#, "open: cannot be combined with kind: replay"),
        Broken(
            #"{"space": {"a": {"free": {"free": null}}}}"#,
            "space.a.free: must be a distribution, not another free"),
        Broken(
            #"{"space": {"a": {"free": {"uniform": [0, 1], "mutable": false}}}}"#,
            "space.a.free: must be a distribution alone; mutable, explore and when belong next to free"),
        Broken(
            #"{"space": {"a": {"free": {"uniform": [1, 0]}}}}"#,
            "space.a.free.uniform: needs the lower number first: [0, 1]"),
        Broken(#"{"space": {"a": {"free": null, "bounds": [0, 1]}}}"#, "space.a.bounds: cannot be combined with free"),
        Broken(
            #"{"command": ["x"], "space": {"a b": {"free": null}}}"#,
            "space.a b: the name of a hyperparameter consists of letters, digits, '_', '-', and '.', and starts with a letter or '_'"
        ),
        Broken(
            #"{"kind": "manual", "synchronous": true}"#,
            "synchronous: cannot be combined with kind: manual, whose members come one by one"),
        Broken(#"{"explore": {"resample": 1.5}}"#, "explore.resample: must be a probability between 0 and 1, not 1.5"),
        Broken(#"{"explore": {"resample": "0.2"}}"#, #"explore.resample: must be a finite number, not "0.2""#),
        Broken(
            #"{"space": {"a": {"uniform": [0, 1], "explore": {"custom": "x"}}}}"#,
            "space.a.explore.custom: unknown key; a strategy in Swift belongs in the experiment's explore"),
    ])
    func `a rule that is none is refused`(broken: Broken) throws {
        let complaint = try broken.complaint
        #expect(complaint == broken.message)
    }

    @Test(arguments: [
        Broken(
            #"{"space": null}"#,
            "space: is missing; write for example: space: {learning_rate: {log_uniform: [1e-5, 1]}}"),
        Broken(
            #"{"space": {}}"#,
            "space: must have at least one hyperparameter, for example learning_rate: {log_uniform: [1e-5, 1]}"),
        Broken(
            #"{"space": {"1a": {"uniform": [0, 1]}}}"#,
            "space.1a: the name of a hyperparameter consists of letters, digits, '_', '-', and '.', and starts with a letter or '_'"
        ),
        Broken(
            #"{"space": {"results": {"uniform": [0, 1]}}}"#,
            "space.results: {results} is a reserved placeholder of commands; choose another name"),
        Broken(
            #"{"space": {"a-b": {"uniform": [0, 1]}, "a_b": {"uniform": [0, 1]}}}"#,
            #"space.a_b: would share the environment variable PBT_PARAM_A_B with "a-b"; rename one"#),
        Broken(
            #"{"space": {"a": 3}}"#,
            "space.a: must be a distribution, for example {uniform: [0, 1]} or {constant: 3}, not 3"),
        Broken(
            #"{"space": {"a": {"mutable": true}}}"#,
            "space.a: must have one of uniform, log_uniform, reverse_log_uniform, normal, log_normal, integer, log_integer, choice, boolean, constant, free"
        ),
        Broken(#"{"space": {"a": {"uniform": [0, 1], "choice": [1]}}}"#, "space.a: has uniform and choice; keep one"),
        Broken(
            #"{"space": {"a": {"uniform": [1]}}}"#,
            "space.a.uniform: must be two finite numbers, the lower first, not [1]"),
        Broken(#"{"space": {"a": {"uniform": [2, 1]}}}"#, "space.a.uniform: needs the lower number first: [1, 2]"),
        Broken(
            #"{"space": {"a": {"uniform": [1, 1]}}}"#,
            "space.a.uniform: needs two different numbers; for a fixed value write {constant: 1}"),
        Broken(
            #"{"space": {"a": {"uniform": [-1e308, 1.7e308]}}}"#,
            "space.a.uniform: spans more than a number can represent"
        ),
        Broken(
            #"{"space": {"a": {"log_uniform": [0, 1]}}}"#,
            "space.a.log_uniform: needs numbers above 0, not 0; 0 has no logarithm"),
        Broken(
            #"{"space": {"a": {"log_uniform": [1, 10], "bounds": [0, 10]}}}"#,
            "space.a.bounds: must be above 0 for log_uniform"),
        Broken(
            #"{"space": {"a": {"uniform": [0, 1], "bounds": [0.5, 1]}}}"#,
            "space.a.bounds: must enclose [0, 1], which founders are drawn from"),
        Broken(#"{"space": {"a": {"uniform": [0, 1], "quantum": 0}}}"#, "space.a.quantum: must be above 0, not 0.0"),
        Broken(
            #"{"space": {"a": {"uniform": [0, 1], "quantum": 2}}}"#,
            "space.a.quantum: must be at most 1, the width of the range, not 2"),
        Broken(#"{"space": {"a": {"normal": [0, 0]}}}"#, "space.a.normal: needs a standard deviation above 0, not 0.0"),
        Broken(
            #"{"space": {"a": {"integer": [1, 2.5]}}}"#,
            "space.a.integer: must be two integers, the lower first, not [1,2.5]"),
        Broken(#"{"space": {"a": {"integer": [5, 1]}}}"#, "space.a.integer: needs the lower number first: [1, 5]"),
        Broken(#"{"space": {"a": {"integer": [0, 9223372036854775807]}}}"#, "space.a.integer: must stay within ±2^53"),
        Broken(
            #"{"space": {"a": {"log_integer": [0, 8]}}}"#, "space.a.log_integer: needs numbers of at least 1, not 0"),
        Broken(
            #"{"space": {"a": {"integer": [1, 8], "bounds": [2, 8]}}}"#,
            "space.a.bounds: must enclose [1, 8], which founders are drawn from"),
        Broken(#"{"space": {"a": {"choice": []}}}"#, "space.a.choice: needs at least one value"),
        Broken(
            #"{"space": {"a": {"choice": [1, 2, 1.0]}}}"#, "space.a.choice: has 1.0 twice; give it more weight instead"),
        Broken(
            #"{"space": {"a": {"choice": [1, 2], "weights": [1]}}}"#,
            "space.a.weights: must be 2 numbers of at least 0, one for each value, not all 0"),
        Broken(
            #"{"space": {"a": {"choice": [1, 2], "weights": [0, 0]}}}"#,
            "space.a.weights: must be 2 numbers of at least 0, one for each value, not all 0"),
        Broken(
            #"{"space": {"a": {"uniform": [0, 1], "ordered": true}}}"#,
            "space.a.ordered: cannot be combined with uniform"
        ),
        Broken(
            #"{"space": {"a": {"choice": [1], "bounds": [0, 1]}}}"#, "space.a.bounds: cannot be combined with choice"),
        Broken(
            #"{"space": {"a": {"uniform": [0, 1], "mutable": "no"}}}"#,
            #"space.a.mutable: must be true or false, not "no""#),
        Broken(#"{"initial": [{"a": 2}]}"#, #"initial[0]: hyperparameter "a" must be between 0.0 and 1.0, not 2"#),
        Broken(
            #"{"initial": [{}, {"b": 2}]}"#,
            #"initial[1]: there is no hyperparameter "b" in the space; did you mean "a"?"#),
        Broken(#"{"initial": [1]}"#, "initial[0]: must be an object of hyperparameters, not a number"),
        Broken(#"{"initial": [{}, {}, {}, {}, {}]}"#, "initial: has 5 entries for a population of 4"),
    ])
    func `what is wrong in the space is named`(broken: Broken) throws {
        let complaint = try broken.complaint
        #expect(complaint == broken.message)
    }

    @Test(arguments: [
        Broken(
            #"{"command": "python3 train.py"}"#,
            "command: must be a list of the program and its arguments, since no shell splits it; write: command: [python3, train.py]"
        ),
        Broken(#"{"command": []}"#, #"command: must name a program, for example [python3, train.py, "{args}"]"#),
        Broken(#"{"command": ["a", ["b"]]}"#, "command[1]: must be a string, not a list"),
        Broken(#"{"command": ["a"], "workers": 0}"#, "workers: must be at least 1, not 0"),
        Broken(
            #"{"command": ["a"], "gpus": [-1]}"#,
            "gpus: must contain device numbers or names, or groups of them such as [[0, 1], [2, 3]], not -1"),
        Broken(
            #"{"command": ["a"], "gpus": [[0], [true]]}"#,
            "gpus[1]: must contain device numbers or names, or groups of them such as [[0, 1], [2, 3]], not true"),
        Broken(
            #"{"command": ["a"], "gpus": [[0], []]}"#,
            "gpus[1]: must name the devices of one worker, for example [0, 1]"),
        Broken(
            #"{"command": ["a"], "gpus": ["0,", "1"]}"#,
            #"gpus[0]: must be devices separated by commas, such as "0,1", not "0,""#),
        Broken(
            #"{"command": ["a"], "gpus": ["-1"]}"#,
            #"gpus[0]: must be devices separated by commas, such as "0,1", not "-1""#),
        Broken(
            #"{"command": ["a"], "gpus": [0, [1, "01"]]}"#,
            "gpus[1]: has device 1 twice; list each device of a worker once"),
        Broken(
            #"{"command": ["a"], "gpus": [["0,1", 2]]}"#,
            #"gpus[0]: must have one device per entry, not "0,1"; write [0, 1], or "0,1" without a list"#),
        Broken(#"{"command": ["a"], "threads": 0}"#, "threads: must be at least 1, not 0"),
        Broken(
            #"{"command": ["a"], "timeout": "10 minutes"}"#,
            #"timeout: must be a time such as 90s, 10m or 2h, not "10 minutes""#),
    ])
    func `what is wrong with the command is named`(broken: Broken) throws {
        let complaint = try broken.complaint
        #expect(complaint == broken.message)
    }

    @Test func `a text with lines is complained about by line`() {
        func scalar(_ value: Value, _ line: Int) -> Document { Document(.scalar(value), line: line) }
        func object(_ line: Int, _ entries: [(String, Int, Document)]) -> Document {
            Document(.object(entries.map { Document.Entry(name: $0.0, line: $0.1, content: $0.2) }), line: line)
        }
        // What a definition must hold besides, further down, unless it is to be missing.
        let needed: [(String, Int, Document)] = [
            ("objective", 20, object(20, [("metric", 20, scalar("m", 20)), ("goal", 21, scalar("max", 21))])),
            ("space", 22, object(22, [("a", 22, object(22, [("boolean", 22, scalar(true, 22))]))])),
            ("population", 23, scalar(4, 23)), ("intervals", 24, scalar(2, 24)),
        ]
        func complaint(_ entries: [(String, Int, Document)], without missing: String? = nil) -> String {
            let rest = needed.filter { need in need.0 != missing && !entries.contains { $0.0 == need.0 } }
            do {
                return "\(try Experiment(document: object(1, entries + rest), directory: "/"))"
            } catch {
                return error.description
            }
        }
        let name = ("name", 1, scalar("x", 1))
        let objective = ("objective", 2, object(2, [("metric", 2, scalar("m", 2)), ("goal", 3, scalar("up", 3))]))
        #expect(complaint([name, name]) == "line 1: name: is duplicated; keep one")
        #expect(complaint([name, ("sede", 4, scalar(1, 4))]) == #"line 4: sede: unknown key; did you mean "seed"?"#)
        #expect(complaint([name, objective]) == #"line 3: objective.goal: must be maximize or minimize, not "up""#)
        let good = ("objective", 2, object(2, [("metric", 2, scalar("m", 2)), ("goal", 3, scalar("max", 3))]))
        let range = Document(.list([scalar(2, 6), scalar(1, 7)]), line: 6)
        let space = ("space", 4, object(5, [("a", 5, object(5, [("uniform", 6, range)]))]))
        #expect(complaint([name, good, space]) == "line 6: space.a.uniform: needs the lower number first: [1, 2]")
        let twice = ("space", 4, object(5, [("a", 5, scalar("boolean", 5)), ("a", 9, scalar("boolean", 9))]))
        #expect(complaint([name, good, twice]) == "line 9: space.a: is duplicated; keep one")
        #expect(
            complaint([name, good], without: "space")
                == "line 1: space: is missing; write for example: space: {learning_rate: {log_uniform: [1e-5, 1]}}")
    }

    @Test func `what is no object at all is refused`() {
        #expect(
            throws: DocumentError(
                line: 0, path: "",
                problem: #"must be an object with "name", "kind", "objective", "population", not a list"#)
        ) {
            try read("[]")
        }
    }
}
