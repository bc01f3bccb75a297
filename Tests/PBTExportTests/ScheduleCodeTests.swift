// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTExport
import PBTReport
import Testing

/// The text of modules; that frameworks train by them is tested by `Scripts/test-schedules`.
@Suite struct ScheduleCodeTests {
    private let space: SearchSpace = [
        "lr": .logUniform(1e-4...1), "wd": .uniform(0...1), "batch": .choice([32, "all"]),
    ]

    private func code(
        _ schedule: Schedule, total: Int, rate: String = "lr", experiment: String = "digits",
        metric: String = "accuracy"
    ) -> ScheduleCode {
        ScheduleCode(
            schedule, total: total, learningRate: rate,
            origin: ScheduleCode.Origin(
                experiment: experiment, interval: IntervalID(member: 3, index: 1), metric: metric, score: 0.5,
                version: "1.2.3"),
            remark: "2 intervals of 5 steps")
    }

    private var two: Schedule {
        Schedule([["lr": 0.1, "wd": 0.5, "batch": "all"], ["lr": 0.01, "wd": 0.5, "batch": 32]], of: space)
    }

    @Test(arguments: ScheduleCode.Framework.allCases)
    func `a module starts with its origin, and has the points of each hyperparameter`(
        framework: ScheduleCode.Framework
    ) {
        let text = code(two, total: 10).text(for: framework)
        #expect(
            text.hasPrefix(
                """
                # The schedule of interval 3@1 of "digits" ("accuracy": 0.5), written by pbt 1.2.3.
                # 2 intervals of 5 steps
                \"""Hyperparameters by step, for
                """))
        #expect(
            text.contains(
                """

                # The length of the training; later steps have the last values.
                STEPS = 10

                LEARNING_RATE = "lr"

                # The course between points: "steps", or "linear", "log" (of x) or "reverse log" (of 1 - x).
                KINDS: dict[str, str] = {
                    "lr": "steps",
                    "wd": "steps",
                    "batch": "steps",
                }

                # Steps and values.
                POINTS: dict[str, list[tuple[int, Any]]] = {
                    "lr": [
                        (0, 0.1),
                        (5, 0.01),
                    ],
                    "wd": [
                        (0, 0.5),
                    ],
                    "batch": [
                        (0, "all"),
                        (5, 32),
                    ],
                }

                """))
        #expect(text.hasSuffix("\n") && !text.hasSuffix("\n\n"))
        #expect(text.split(separator: "\n").allSatisfy { $0.count <= 100 && $0.last != " " })
    }

    @Test func `knots are points with the scale between them`() {
        let falling = Schedule((0..<4).map { ["lr": .number([0.8, 0.4, 0.2, 0.1][$0])] }, of: space)
        let text = code(falling.fitted(.knots(2)), total: 4000).text(for: .optax)
        #expect(text.contains("    \"lr\": \"log\",\n"))
        #expect(text.contains("        (0, 1.0),\n") || text.contains("        (0, 0.99999"))
        #expect(text.contains("        (4000, 0.0"))
    }

    @Test func `settings of the optimizer are found by their names`() {
        let names = ["lr", "optimizer.weight_decay", "Adam-Beta1", "beta_2", "momentum", "dropout", "eps", "note"]
        let space = SearchSpace(
            Dictionary(uniqueKeysWithValues: names.map { ($0, Dimension.uniform(0...1)) }), order: names)
        var values = Hyperparameters(Dictionary(uniqueKeysWithValues: names.map { ($0, .number(0.5)) }))
        values["eps"] = "auto"
        let text = code(Schedule([values], of: space), total: 10).text(for: .pytorch)
        #expect(
            text.contains(
                """
                SETTINGS: dict[str, tuple[str, Optional[int]]] = {
                    "optimizer.weight_decay": ("weight_decay", None),
                    "Adam-Beta1": ("betas", 0),
                    "beta_2": ("betas", 1),
                    "momentum": ("momentum", None),
                }

                """))
        let none = code(Schedule([["lr": 0.1]], of: space), total: 1).text(for: .transformers)
        #expect(none.contains("\nSETTINGS: dict[str, tuple[str, Optional[int]]] = {}\n"))
    }

    @Test func `the learning rate is found by its name, in a group or not`() {
        func found(_ names: String...) -> [String] {
            let space = SearchSpace(
                Dictionary(uniqueKeysWithValues: names.map { ($0, Dimension.uniform(0...1)) }), order: names)
            let values = Dictionary(uniqueKeysWithValues: names.map { ($0, Value.number(0.5)) })
            return ScheduleCode.learningRates(in: Schedule([Hyperparameters(values)], of: space))
        }
        #expect(found("dropout", "learningRate") == ["learningRate"])
        #expect(found("model.lr", "wd") == ["model.lr"])
        #expect(found("head.lr", "body.lr") == ["head.lr", "body.lr"])
        #expect(found("dropout_rate", "wd") == [])
        #expect(ScheduleCode.learningRates(in: Schedule([["lr": "auto"], ["lr": 0.1]], of: ["lr": .free()])) == [])
    }

    @Test func `names and values cannot leave their literals`() {
        let hostile = "\"\"\"\nimport os\\\r\u{2028}\u{202e}\u{1b}'é☃"
        let text = code(
            Schedule([["lr": 0.1, "x": .string(hostile)]], of: [:]), total: 1, experiment: hostile, metric: hostile
        ).text(for: .keras)
        let literal = #"'"""\nimport os\\\r\u2028\u202e\x1b\'é\u2603'"#
        #expect(Value.string(hostile).python == literal)
        #expect(text.hasPrefix("# The schedule of interval 3@1 of \(literal) (\(literal): 0.5), written by"))
        #expect(text.contains("        (0, \(literal)),\n"))
        #expect(!text.contains("\nimport os") && !text.unicodeScalars.contains("\u{202e}"))
    }

    @Test(
        arguments: [
            (.null, "None"), (.bool(true), "True"), (.bool(false), "False"), (.integer(-3), "-3"), (.number(1), "1.0"),
            (.number(1e-5), "1e-05"), (.number(1e22), "1e+22"), (.number(.nan), "None"),
            (.array([1, .null]), "[1, None]"),
            (.object(["b": 1, "a\"": [.bool(true)]]), #"{'a"': [True], "b": 1}"#), ("\u{1F600}", #""\U0001f600""#),
            ("a'\"", #""a'\"""#), ("\\'", #""\\'""#),
        ] as [(Value, String)])
    func `a value is a Python literal`(value: Value, literal: String) {
        #expect(value.python == literal)
    }

    @Test func `a training with fewer steps than intervals leaves some out`() {
        let schedule = Schedule((0..<10).map { ["lr": .number(Double($0 + 1) / 10)] }, of: space)
        let text = code(schedule, total: 3).text(for: .optax)
        #expect(text.contains("    \"lr\": [\n        (0, 0.2),\n        (1, 0.6),\n        (2, 0.9),\n    ],\n"))
        let fitted = code(schedule.fitted(.knots(5)), total: 1).text(for: .optax)
        #expect(fitted.contains("        (0, ") && fitted.contains("        (1, ") && !fitted.contains("        (2, "))
    }

    @Test func `a hyperparameter that an interval lacks is None there`() {
        let text = code(Schedule([["lr": 0.1], ["lr": 0.1, "wd": 0.2]], of: space), total: 2).text(for: .pytorch)
        #expect(text.contains("    \"wd\": [\n        (0, None),\n        (1, 0.2),\n    ],\n"))
        #expect(text.contains("SETTINGS: dict[str, tuple[str, Optional[int]]] = {}\n"))
    }

    @Test(arguments: ScheduleCode.Framework.allCases)
    func `an array is a list of its elements, and sets what belongs to them`(
        framework: ScheduleCode.Framework
    ) {
        let space: SearchSpace = ["lr": .logUniform(1e-4...1), "betas": .uniform(0.8...1).array(length: 2)]
        let schedule = Schedule([["lr": 0.1, "betas[0]": 0.9, "betas[1]": 0.99]], of: space)
        let text = code(schedule, total: 2).text(for: framework)
        #expect(text.contains("\nARRAYS: dict[str, int] = {\n    \"betas\": 2,\n}\n"))
        #expect(text.contains("\ndef array(name: str, step: int) -> list[Any]:\n"))
        #expect(text.contains("    \"betas[1]\": [\n        (0, 0.99),\n    ],\n"))
        let setting = "    \"betas[0]\": (\"betas\", 0),\n    \"betas[1]\": (\"betas\", 1),\n"
        #expect(text.contains(setting) == [.pytorch, .transformers].contains(framework))
        // Nothing changes without one.
        #expect(!code(two, total: 10).text(for: framework).contains("ARRAYS"))
    }

    @Test func `the elements of an array of learning rates are learning rates`() {
        let space: SearchSpace = ["optimizer.lr": .logUniform(1e-4...1).array(length: 2), "r": .uniform(0...1)]
        let schedule = Schedule([["optimizer.lr[0]": 0.1, "optimizer.lr[1]": 0.2, "r": 0.5]], of: space)
        #expect(ScheduleCode.learningRates(in: schedule) == ["optimizer.lr[0]", "optimizer.lr[1]"])
    }
}
