// SPDX-License-Identifier: Apache-2.0

import PBT
import Testing

/// Reads a definition from JSON, which has no lines.
func read(_ json: String, directory: String = "/dir") throws -> Experiment {
    try Experiment(document: Document(Value(json: json)), directory: directory)
}

@Suite("Reading a definition") struct ReadingTests {
    @Test func `every key is read`() throws {
        let experiment = try read(
            """
            {"name": "mnist", "kind": "pbt", "objective": {"metric": "accuracy", "goal": "maximize"}, "population": 15,
             "intervals": 20, "seed": 7,
             "space": {
               "learning_rate": {"log_uniform": [1e-5, 1]},
               "momentum": {"uniform": [0.1, 0.9999], "explore": {"perturb": [0.9, 1.1]}},
               "batch_size": {"choice": [32, 64, 128], "ordered": true},
               "layers": {"integer": [1, 8], "mutable": false},
               "units": {"log_integer": [16, 1024], "bounds": [8, 2048]},
               "activation": {"choice": ["relu", "tanh"], "weights": [2, 1]},
               "bias": "boolean", "nesterov": {"boolean": true},
               "noise": {"normal": [0, 1], "bounds": [-2, 2], "quantum": 0.5},
               "decay": {"log_normal": [-3, 1]},
               "note": {"constant": {"any": "json"}}
             },
             "initial": [{"learning_rate": 1, "layers": 2.0}, {}],
             "exploit": {"t_test": {"window": 12, "significance": 0.01}},
             "explore": {"perturb": {"uniform": [0.8, 1.2]}, "resample": 0.1},
             "synchronous": {"deadline": "90s"},
             "command": ["python3", "train.py", 7, true, "{args}"], "workers": 2, "gpus": [0, "GPU-7"], "threads": 1,
             "retries": 3, "timeout": "10m", "grace": "5s", "stop": {"target": 0.995, "after": "2h"},
             "keep": {"best": 2, "last": 3}, "baseline": "random_search"}
            """, directory: "/home/me")
        let space: SearchSpace = [
            "learning_rate": .logUniform(1e-5...1),
            "momentum": .uniform(0.1...0.9999).explored(by: .perturb(by: [0.9, 1.1])),
            "batch_size": .choice([32, 64, 128], ordered: true), "layers": .integer(1...8).immutable(),
            "units": .logInteger(16...1024, bounds: 8...2048),
            "activation": .choice(["relu", "tanh"], weights: [2, 1]),
            "bias": .boolean, "nesterov": .boolean,
            "noise": .normal(mean: 0, deviation: 1, bounds: -2...2, quantum: 0.5),
            "decay": .logNormal(mean: -3, deviation: 1), "note": .constant(["any": "json"]),
        ]
        let expected = Experiment(
            "mnist", objective: .maximize("accuracy"), population: 15, intervals: 20, seed: 7, space: space,
            initial: [["learning_rate": 1.0, "layers": 2], [:]], exploit: .tTest(window: 12, significance: 0.01),
            explore: .perturb(from: 0.8, to: 1.2, resampling: 0.1), isSynchronous: true, deadline: .seconds(90),
            retries: 3, stop: .init(target: 0.995, after: .seconds(7200)), keep: .init(best: 2, last: 3),
            hasBaseline: true,
            trainer: .init(
                command: ["python3", "train.py", "7", "true", "{args}"], directory: "/home/me", workers: 2,
                gpus: ["0", "GPU-7"], threads: 1, timeout: .seconds(600), grace: .seconds(5)))
        #expect(experiment == expected)
        #expect(try read(experiment.value.json, directory: "/elsewhere") == expected)
    }

    private let least =
        #""name": "x", "objective": {"metric": "m", "goal": "min"}, "population": 4, "intervals": 2, "space": {"a": {"uniform": [0, 1]}}"#

    @Test func `a definition without a timing decides when certain, and early if it is from an older store`() throws {
        let document = Document(try Value(json: "{\(least)}"))
        let new = try Experiment(document: document, directory: "/")
        let old = try Experiment(document: document, directory: "/", isStored: true)
        #expect(new.decides == .certain && new.waitsForCertainty)
        #expect(old.decides == .early && !old.waitsForCertainty)
        #expect(new.withDefaults(of: old).decides == .early)
        let named = try read(#"{\#(least), "decide": {"certain": {"patience": "0s", "deadline": "30m"}}}"#)
        #expect(named.patience == .zero && named.deadline == .seconds(1800))
        #expect(named.withDefaults(of: old) == named)
        #expect(try read(named.value.json) == named)
        #expect(try Experiment(document: Document(old.value), directory: "/") == old)
    }

    @Test func `what is left out has its default`() throws {
        let experiment = try read("{\(least)}")
        #expect(
            experiment
                == Experiment(
                    "x", objective: .minimize("m"), population: 4, intervals: 2, space: ["a": .uniform(0...1)]))
        #expect(experiment.exploit == .truncation(0.2) && experiment.explore == .perturb(by: [0.8, 1.25]))
        #expect(
            !experiment.isSynchronous && experiment.retries == 2 && experiment.trainer == nil && experiment.seed == 0)
        let trainer = try #require(try read(#"{\#(least), "command": ["t"]}"#).trainer)
        #expect(trainer == Experiment.Trainer(command: ["t"], directory: "/dir"))
        #expect(try read(#"{\#(least), "command": ["t"], "gpus": [0, 1, 2]}"#).trainer?.workers == 3)
    }

    @Test(arguments: [
        (#"[[0, 1], [2, 3]]"#, ["0,1", "2,3"]), (#"["0,1", "2, 3"]"#, ["0,1", "2,3"]),
        (#"[[0], 1, "GPU-a,GPU-b"]"#, ["0", "1", "GPU-a,GPU-b"]),
        (#"[0, 0]"#, ["0", "0"]), (#"[["MIG-a", "MIG-b"]]"#, ["MIG-a,MIG-b"]), (#"[]"#, []),
    ])
    func `several devices for one worker are a group, and there is a worker for each group`(
        text: String, groups: [String]
    ) throws {
        let experiment = try read(#"{\#(least), "command": ["t"], "gpus": \#(text)}"#)
        #expect(experiment.trainer?.gpus == groups)
        #expect(experiment.trainer?.workers == max(1, groups.count))
        #expect(try read(experiment.value.json) == experiment)
    }

    @Test(
        arguments: [
            (#""exploit": "truncation""#, .truncation(0.2)), (#""exploit": "binary_tournament""#, .binaryTournament),
            (#""exploit": "t_test""#, .tTest()), (#""exploit": "best""#, .best), (#""exploit": "none""#, .none),
            (#""exploit": "ray""#, .ray()), (#""exploit": {"truncation": 0.25}"#, .truncation(0.25)),
            (#""exploit": {"truncation": {"bottom": 0.3, "top": 0.1}}"#, .truncation(bottom: 0.3, top: 0.1)),
            (#""exploit": {"t_test": {}}"#, .tTest()), (#""exploit": {"ray": 0.5}"#, .ray(quantile: 0.5)),
            (#""exploit": {"custom": "mine"}"#, .custom("mine")), (#""preset": "ray""#, .ray()),
            (#""preset": "paper""#, .truncation()),
        ] as [(String, ExploitRule)])
    func `an exploit rule is read`(text: String, rule: ExploitRule) throws {
        #expect(try read("{\(least), \(text)}").exploit == rule)
    }

    @Test(
        arguments: [
            (#""explore": "perturb""#, .perturb()), (#""explore": "resample""#, .resample),
            (#""explore": "none""#, .none),
            (#""explore": "ray""#, .ray()), (#""explore": {"perturb": [0.5, 2]}"#, .perturb(by: [0.5, 2])),
            (#""explore": {"resample": 1}"#, .resample),
            (#""explore": {"perturb": {"uniform": [0.9, 1.1]}}"#, .perturb(from: 0.9, to: 1.1)),
            (#""explore": {"ray": {"factors": [2, 0.5], "resample": 0}}"#, .ray(factors: [2, 0.5], resampling: 0)),
            (#""explore": {"ray": {}}"#, .ray()), (#""explore": {"custom": "mine"}"#, .custom("mine")),
            (#""preset": "ray""#, .ray()), (#""preset": "paper""#, .perturb(by: [0.8, 1.2])),
            (#""preset": "ray", "explore": "none""#, .none),
        ] as [(String, ExploreRule)])
    func `an explore rule is read`(text: String, rule: ExploreRule) throws {
        #expect(try read("{\(least), \(text)}").explore == rule)
    }

    @Test(arguments: [("true", true), ("false", false), ("{}", true)])
    func `synchronous is a truth value or holds a deadline`(text: String, isSynchronous: Bool) throws {
        let experiment = try read(#"{\#(least), "synchronous": \#(text)}"#)
        #expect(experiment.isSynchronous == isSynchronous && experiment.deadline == nil)
    }

    @Test(arguments: [
        ("-1", UInt64.max), ("9223372036854775807", UInt64(Int64.max)), ("-9223372036854775808", 1 << 63),
    ])
    func `every seed of 64 bits can be written`(text: String, seed: UInt64) throws {
        let experiment = try read(#"{\#(least), "seed": \#(text)}"#)
        #expect(experiment.seed == seed)
        #expect(try read(experiment.value.json) == experiment)
    }

    @Test func `a random search has no rules, a manual search may begin empty`() throws {
        let search = try read(#"{\#(least), "kind": "random_search", "exploit": "best"}"#)
        #expect(search.kind == .randomSearch && search.exploit == .none && search.explore == .none)
        let manual = try read(
            #"{"name": "x", "kind": "manual", "objective": {"metric": "m", "goal": "max"}, "intervals": 2, "space": {"a": {"uniform": [0, 1]}}, "initial": [{"a": 0.5}, {}]}"#
        )
        #expect(manual.kind == .manual && manual.population == 2 && manual.initial == [["a": 0.5], [:]])
    }

    @Test func `a name that reads as a number or truth value is text all the same`() throws {
        for name in ["7", "1.5", "true"] {
            #expect(
                try read(
                    #"{"name": \#(name), "objective": {"metric": "m", "goal": "min"}, "population": 4, "intervals": 2, "space": {"a": {"uniform": [0, 1]}}}"#
                ).name == name)
        }
    }

    @Test func `any definition that was written is read back the same`() throws {
        for number in 0..<500 {
            var generator = ExperimentGenerator(number)
            let experiment = generator.experiment()
            let text = experiment.value.json
            let again = try read(text, directory: "/training/dir")
            #expect(again == experiment, "\(number): \(text)")
            #expect(again.value.json == text)
            #expect(again.conflicts(with: experiment).isEmpty)
        }
    }

    @Test func `of two definitions the keys that differ are named, but not those that may change`() throws {
        let one = try read(#"{\#(least), "command": ["t"]}"#)
        var other = one
        other.trainer = nil
        other.retries = 9
        other.stop.target = 1
        other.keep.best = 5
        #expect(one.conflicts(with: other).isEmpty)
        other.seed = 3
        other.population = 5
        other.objective.goal = .maximize
        other.space = ["a": .uniform(0...2)]
        other.hasBaseline = true
        #expect(one.conflicts(with: other) == ["baseline", "objective", "population", "seed", "space"])
    }
}
