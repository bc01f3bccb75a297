// SPDX-License-Identifier: Apache-2.0

import PBT

/// Seed definitions, which together use every key and every kind of hyperparameter.
enum Definitions {
    static let seeds = [
        """
        {"name": "a", "population": 4, "intervals": 3, "seed": 1, "retries": 1,
         "objective": {"metric": "score", "goal": "maximize"},
         "space": {"x": {"uniform": [0, 1], "bounds": [-1, 2], "quantum": 0.25}, "lr": {"log_uniform": [1e-5, 1]},
                   "n": {"normal": [0, 1], "bounds": [-3, 3]}, "ln": {"log_normal": [0, 1]}},
         "exploit": {"truncation": {"bottom": 0.25, "top": 0.5}},
         "explore": {"perturb": [0.8, 1.25], "resample": 0.1}, "keep": {"best": 2, "last": 2},
         "stop": {"target": 0.9, "after": "2h"}, "baseline": "random_search"}
        """,
        """
        {"name": "b", "population": 3, "intervals": 4, "objective": {"metric": "loss", "goal": "minimize"},
         "space": {"i": {"integer": [1, 9], "bounds": [0, 20]}, "li": {"log_integer": [1, 1000]},
                   "c": {"choice": ["a", "b", 3], "weights": [1, 0, 2]}, "o": {"choice": [1, 2, 4], "ordered": true},
                   "f": {"boolean": true, "mutable": false}, "k": {"constant": {"a": [1]}}},
         "initial": [{"i": 2}, {"c": "b"}], "exploit": {"t_test": {"window": 3, "significance": 0.1}},
         "explore": {"perturb": {"uniform": [0.8, 1.2]}}, "synchronous": {"deadline": 60},
         "command": ["python3", "train.py", "{args}"], "directory": "/tmp", "workers": 2, "gpus": [0, "1"], "threads": 2,
         "timeout": "10m", "grace": 5}
        """,
        """
        {"name": "c", "kind": "random_search", "open": true, "population": 0, "intervals": 2, "seed": -1,
         "objective": {"metric": "m", "goal": "maximize"},
         "space": {"any": {"free": {"uniform": [0, 1]}}, "none": {"free": null},
                   "w": {"uniform": [0, 1], "explore": {"perturb": [0.5, 2]}}}}
        """,
        """
        {"name": "d", "population": 5, "intervals": 5, "objective": {"metric": "m", "goal": "maximize"}, "preset": "ray",
         "space": {"x": {"uniform": [0, 1]}, "n": {"integer": [1, 5]}, "c": {"choice": [1, 2, 3]}}, "decide": "late",
         "exploit": "binary_tournament", "explore": {"ray": {"factors": [1.2, 0.8], "resample": 0.25}}}
        """,
        """
        {"name": "e", "kind": "replay", "population": 2, "intervals": 2, "objective": {"metric": "m", "goal": "maximize"},
         "space": {"x": {"uniform": [0, 1]}}, "schedule": [{"x": 0.5}, {"x": 0.25}]}
        """,
        """
        {"name": "f", "kind": "manual", "intervals": 1, "objective": {"metric": "m", "goal": "maximize"},
         "space": {"x": {"uniform": [0, 1]}}, "persistent": true, "command": ["a"]}
        """,
    ]

    static let values: [Value] = seeds.compactMap { text in
        do { return try Value(json: text) } catch { return nil }
    }

    /// The keys that a definition may have, for those that are added.
    static let keys = [
        "name", "kind", "objective", "population", "intervals", "seed", "space", "initial", "preset", "exploit",
        "explore",
        "synchronous", "decide", "open", "command", "workers", "gpus", "threads", "retries", "timeout", "grace", "stop",
        "keep", "baseline", "schedule", "directory", "persistent", "env", "depth",
    ]

    /// A definition with some changes, seldom none.
    static func changed(_ source: inout Source) -> Value {
        var value = source.pick(values)
        for _ in 0..<source.below(5) {
            if source.chance(6), case .object(var object) = value {
                object[source.pick(keys)] = source.value()
                value = .object(object)
            } else {
                value = source.mutated(value)
            }
        }
        return value
    }

    /// A definition that can be read, with its bounds enforced.
    static func legal(_ source: inout Source) -> Experiment? {
        for _ in 0..<20 {
            do {
                var experiment = try Experiment(document: Document(changed(&source)), directory: "/")
                guard experiment.population <= 50 else { continue }
                experiment.name = "fuzzed"
                return experiment
            } catch {
                continue
            }
        }
        return nil
    }
}

extension Target {
    static let json = Target(name: "json") { recorder in
        { source in
            var bytes = Array(source.pick(Definitions.seeds).utf8)
            if source.chance(3) { bytes = source.value(depth: 6).jsonBytes }
            if source.chance(50) {
                bytes = Array(String(repeating: source.pick(["[", "{\"a\":"]), count: 100_000).utf8)
            }
            bytes = source.mutated(bytes)
            try recorder.note(String(decoding: bytes, as: UTF8.self))
            let value: Value
            do { value = try Value(json: bytes) } catch { return }
            let text = value.json
            try expect(try Value(json: text).json == text, "the round trip changed: \(text)")
            try expect(try Value(json: value.prettyJSON).json == text, "pretty JSON changed the value")
        }
    }

    static let yaml = Target(name: "yaml") { recorder in
        { source in
            var bytes = Array(source.pick(Definitions.seeds).utf8)
            if source.chance(2) { bytes = Array(block(source.pick(Definitions.values), 0).utf8) }
            if source.chance(60) {
                bytes = Array(
                    ("a: &a {}\n" + (0..<30).map { "b\($0): &\($0 == 29 ? "z" : "a") {<<: [*a, *a]}\n" }.joined()).utf8)
            }
            let text = String(decoding: source.mutated(bytes, times: 5), as: UTF8.self)
            try recorder.note(text)
            do {
                _ = try Experiment(document: Document(yaml: text), directory: "/")
            } catch {
                // A `DocumentError`, as its type says.
            }
        }
    }

    /// The value as YAML in blocks.
    private static func block(_ value: Value, _ indent: Int) -> String {
        let space = String(repeating: " ", count: indent)
        switch value {
        case .object(let object) where !object.isEmpty:
            return "\n"
                + object.sorted { $0.key < $1.key }.map { "\(space)\($0): \(block($1, indent + 2))" }.joined(
                    separator: "\n")
        case .array(let array) where !array.isEmpty:
            return "\n" + array.map { "\(space)- \(block($0, indent + 2))" }.joined(separator: "\n")
        default: return value.json
        }
    }

    static let definition = Target(name: "definition") { recorder in
        { source in
            let value = Definitions.changed(&source)
            try recorder.note(value.json)
            for isStored in [false, true] {
                let experiment: Experiment
                do {
                    experiment = try Experiment(document: Document(value), directory: "/", isStored: isStored)
                } catch {
                    continue
                }
                let again = try Experiment(
                    document: Document(Value(json: experiment.value.json)), directory: "/", isStored: isStored)
                try expect(again == experiment, "the round trip changed: \(experiment.value.json)")
                try draw(experiment, isLegal: !isStored, &source)
            }
        }
    }

    /// Draws and explores: whatever comes out is finite, and within its bounds.
    private static func draw(_ experiment: Experiment, isLegal: Bool, _ source: inout Source) throws {
        let space = experiment.space
        var isBounded = isLegal
        if case .ray = experiment.explore.kind { isBounded = false }
        // A schedule is trained as it was recorded, whatever the space is by now.
        if case .replay = experiment.kind { isBounded = false }
        for member in 0..<min(4, experiment.population) {
            var values = experiment.founder(member)
            for index in 0..<4 {
                for name in space.names.prefix(50) {
                    guard let dimension = space[name], let value = values[name] else { continue }
                    try expect(value == value.finite, "\(name) became \(value)")
                    if isBounded, dimension.explore == nil, let complaint = dimension.complaint(about: value) {
                        throw Violation(description: "\(name) \(complaint)")
                    }
                    var random = RandomStream(seed: source.word(), .explore, member: member, index: index, name: name)
                    values[name] =
                        dimension.explored(from: value, by: dimension.explore ?? experiment.explore, using: &random)
                        .value
                }
            }
        }
        _ = experiment.trainerSeed(for: IntervalID(member: source.integer(), index: source.integer()))
    }
}
