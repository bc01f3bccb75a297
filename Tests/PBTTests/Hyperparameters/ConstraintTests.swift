// SPDX-License-Identifier: Apache-2.0

import PBT
import Testing

@Suite("Constraints") struct ConstraintTests {
    private static let space: SearchSpace = [
        "batch": .integer(8...64), "mini-batch": .integer(1...64), "a": .uniform(0...1, quantum: 0.1),
        "b": .uniform(0...1, quantum: 0.1), "opt": .choice(["x", "y"]), "size": .choice([1, 2.5, 4]),
        "c": .constant(3), "model.lr": .logUniform(1e-4...1), "mini": .integer(1...4),
    ]

    private static func parsed(_ text: String) throws -> Constraint {
        let space = try space.constrained(by: text)
        return try #require(space.constraints.first)
    }

    @Test(
        arguments: [
            ("batch >= 2 * mini-batch", ["batch": 8, "mini-batch": 4], true),
            ("batch >= 2 * mini-batch", ["batch": 8, "mini-batch": 5], false),
            ("batch>=2*mini-batch", ["batch": 8, "mini-batch": 5], false),
            ("batch - mini > 3", ["batch": 8, "mini": 4], true),
            ("batch-mini > 3", ["batch": 8, "mini": 5], false),
            ("a < b", ["a": 0.1, "b": 0.2], true),
            ("a < b", ["a": 0.2, "b": 0.2], false),
            ("a <= b", ["a": 0.2, "b": 0.2], true),
            // 0.1 + 0.2 and 3 * 0.1 are more than 0.3 in binary.
            ("a + b == 0.3", ["a": 0.1, "b": 0.2], true),
            ("b >= 3 * a", ["a": 0.1, "b": 0.3], true),
            ("3 * a > b", ["a": 0.1, "b": 0.3], false),
            ("a - b + 0.1 == 0", ["a": 0.2, "b": 0.3], true),
            ("a != b", ["a": 0.2, "b": 0.2], false),
            ("a * 2 + b / 4 * 2 - (a - -1) > 1e-1", ["a": 0.8, "b": 0.6], false),
            ("1 - a - b >= .5", ["a": 0.2, "b": 0.4], false),
            ("1 - (a - b) >= .5", ["a": 0.2, "b": 0.4], true),
            ("-a * 2 < -1", ["a": 0.6], true),
            ("size + c > 5", ["size": 2.5, "c": 3], true),
            ("model.lr * batch < 1", ["model.lr": 0.1, "batch": 8], true),
            // A division by zero violates every comparison.
            ("a / b > 0", ["a": 1, "b": 0], false),
            ("a / b != 1", ["a": 0, "b": 0], false),
            ("a / b < 0", ["a": 1, "b": 0], false),
            // It does not apply to what has no value.
            ("a < b", ["a": 1], true),
        ] as [(String, [String: Value], Bool)])
    func `is evaluated`(_ text: String, _ values: [String: Value], _ expected: Bool) throws {
        #expect(try Self.parsed(text).isSatisfied(by: values) == expected)
    }

    @Test(
        arguments: [
            ("", "column 1: expected a number or the name of a hyperparameter, but the text ends"),
            ("a", "column 2: expected one of <, <=, >, >=, ==, !=, or an operator, but the text ends"),
            ("a < ", "column 5: expected a number or the name of a hyperparameter, but the text ends"),
            ("a = b", "column 3: a comparison for equality is =="),
            ("0 < a < 1", "column 7: a constraint has one comparison; write two constraints instead"),
            ("a < beta", "column 5: there is no hyperparameter \"beta\"; "),
            ("a < bach", "column 5: there is no hyperparameter \"bach\"; did you mean \"batch\"?"),
            ("opt == 1", "column 1: \"opt\" is not always a number, so it cannot be compared"),
            ("max(a, b) < 1", "column 1: functions cannot be called; write only + - * / and numbers"),
            ("a (b) < 1", "column 3: functions cannot be called; write only + - * / and numbers"),
            ("a ** 2 < 1", "column 4: powers are not available; write only + - * / and numbers"),
            ("(a < b", "column 4: expected ), not \"<\""),
            ("a < b)", "column 6: expected an operator or the end, not \")\""),
            ("a < 1x", "column 5: \"1x\" is not a number"),
            ("a < 0x10", "column 5: \"0x10\" is not a number"),
            ("a < 1e999", "column 5: \"1e999\" is not a number"),
            ("a < nan", "column 5: there is no hyperparameter \"nan\""),
            ("1 < 2", "column 1: names no hyperparameter"),
            ("a & b < 1", "column 3: expected one of"),
            ("a < 'b'", "column 5: expected a number or the name of a hyperparameter, not \"'\""),
            (String(repeating: "(", count: 200) + "a", "column 65: is nested deeper than 64"),
            (String(repeating: "-", count: 200) + "a < 1", "column 65: is nested deeper than 64"),
            (String(repeating: "a + ", count: 300) + "a < 1", "must have at most 1000 bytes, not 1205"),
        ])
    func `an invalid one is named with its column`(_ text: String, _ expected: String) {
        let error = #expect(throws: PBTError.self) { try Self.space.constrained(by: text) }
        #expect(error?.message.hasPrefix(expected) == true, "\(error?.message ?? "")")
    }

    private static let tight: Value = ["batch": ["integer": [1, 100]], "mini": ["integer": [1, 100]]]

    @Test func `in a file, errors name the place, and a definition reads back`() throws {
        let experiment = try ConditionTests.experiment(space: Self.tight, constraints: ["batch >= 2 * mini"])
        #expect(experiment.value["constraints"] == ["batch >= 2 * mini"])
        #expect(try Experiment(document: Document(experiment.value), directory: "/") == experiment)
        let spaced = try ConditionTests.experiment(space: Self.tight, constraints: ["batch>=2*mini"])
        #expect(spaced == experiment)
        let plain = try ConditionTests.experiment(space: Self.tight)
        #expect(plain != experiment && plain.value["constraints"] == nil)
        #expect(experiment.differences(from: plain).map(\.key) == ["constraints"])
        let wrong: [(Value, String)] = [
            ("a < b", "constraints: must be a list"), ([3], "constraints[0]: must be a comparison"),
            (
                ["batch > mini", "batch < minx"],
                "constraints[1]: \"batch < minx\", column 9: there is no hyperparameter"
            ),
            (["batch > mini", "batch  > mini"], "constraints[1]: \"batch  > mini\" is duplicated; keep one"),
            (
                ["batch > 100 + mini"],
                "constraints[0]: none of 10000 draws satisfies the constraint \"batch > 100 + mini\"; widen the ranges, "
                    + "or loosen it"
            ),
        ]
        for (constraints, expected) in wrong {
            let error = #expect(throws: DocumentError.self) {
                try ConditionTests.experiment(space: Self.tight, constraints: constraints)
            }
            let told = error.map { "\($0.path): \($0.problem)" } ?? ""
            #expect(told.hasPrefix(expected))
        }
    }

    @Test func `given values must satisfy them, and the others are drawn to fit`() throws {
        func experiment(_ initial: Value) throws -> Experiment {
            try ConditionTests.experiment(
                space: Self.tight, constraints: ["batch >= 2 * mini"], initial: initial)
        }
        let error = #expect(throws: DocumentError.self) { try experiment([["batch": 10, "mini": 6]]) }
        #expect(
            error?.problem.contains("the constraint \"batch >= 2 * mini\" is violated: batch is 10, mini is 6") == true)
        let impossible = #expect(throws: DocumentError.self) { try experiment([["batch": 1]]) }
        #expect(impossible?.path == "initial[0]")
        let fitted = try experiment([["mini": 45], ["batch": 3]])
        let batch = fitted.founder(0)["batch"]?.int ?? 0
        #expect((90...100).contains(batch))
        #expect(fitted.founder(0)["mini"] == 45)
        #expect(fitted.founder(1) == ["batch": 3, "mini": 1])
    }

    @Test func `draws that satisfy them are those of a space without, and only what is connected is drawn again`()
        throws
    {
        let space: SearchSpace = [
            "a": .uniform(0...1), "b": .uniform(0...1), "c": .uniform(0...1), "d": .uniform(0...1), "e": .boolean,
        ]
        let constrained = try space.constrained(by: "a < b", "c < d")
        var (same, redrawn) = (0, 0)
        for member in 0..<1000 {
            let (free, fitted) = (
                space.sample(seed: 5, member: member, index: 0), constrained.sample(seed: 5, member: member, index: 0)
            )
            #expect(constrained.violated(by: fitted.values).isEmpty && fitted["e"] == free["e"])
            for pair in [["a", "b"], ["c", "d"]] {
                let isLegal = try free.double(pair[0]) < free.double(pair[1])
                let isSame = pair.allSatisfy { free[$0] == fitted[$0] }
                #expect(isSame == isLegal)
                if isSame { same += 1 } else { redrawn += 1 }
            }
        }
        #expect(same > 900 && redrawn > 900)
    }

    @Test func `the distribution of draws is that of the legal ones`() throws {
        let space = try SearchSpace(["a": .uniform(0...1), "b": .uniform(0...1)]).constrained(by: "a < b")
        let draws = try (0..<4000).map { try space.sample(seed: 1, member: $0, index: 0).double("a") }
        // The density of the smaller of two numbers is 2 (1 - a): its mean is 1/3, its median 1 - √½.
        let mean: Double = draws.reduce(0, +) / 4000
        let below = draws.count { $0 < 0.29289 }
        #expect((0.313...0.353).contains(mean))
        #expect((1840...2160).contains(below))
    }

    @Test func `explored values are drawn again, and at last the donor's are kept`() throws {
        var kept = 0
        for seed: UInt64 in 0..<100 {
            var experiment = try ConditionTests.experiment(
                space: ["a": ["uniform": [0, 1]], "b": ["uniform": [0, 1]], "c": ["uniform": [0, 1]]],
                constraints: ["a + b == 1"],
                initial: .array(
                    (0..<8).map { ["a": .number(Double($0 + 1) / 10), "b": .number(1 - Double($0 + 1) / 10)] }))
            experiment.seed = seed
            for decision in try experiment.decisions(scores: (0..<8).map(Double.init)) {
                guard let next = decision.next, decision.donor != nil else { continue }
                #expect(experiment.space.violated(by: next.hyperparameters.values).isEmpty)
                let operations = next.changes.map(\.operation)
                #expect(operations.prefix(2) == ["kept by constraint", "kept by constraint"])
                #expect(next.changes.prefix(2).allSatisfy { $0.isKept && $0.old == $0.new })
                #expect(operations.last?.hasPrefix("×") == true)
                kept += 1
            }
        }
        #expect(kept >= 100)
    }

    @Test func `a store refuses a founder that violates one, and a push`() async throws {
        let store = InMemoryStore()
        let experiment = try ConditionTests.experiment(space: Self.tight, constraints: ["batch >= 2 * mini"])
        _ = try await store.create(experiment)
        let pushed = try await store.push(["mini": 50], to: "x")
        #expect(pushed.hyperparameters == ["batch": 100, "mini": 50])
        let error = await #expect(throws: PBTError.self) { try await store.push(["mini": 50, "batch": 99], to: "x") }
        #expect(error?.message == "the constraint \"batch >= 2 * mini\" is violated: batch is 99, mini is 50")
        let none = await #expect(throws: PBTError.self) { try await store.push(["mini": 51], to: "x") }
        #expect(none?.code == .badValue)
        let audit = try await Audit(experiment: experiment, intervals: store.intervals(of: "x"))
        #expect(audit.mismatches == [])
        var impossible = experiment
        impossible.name = "y"
        impossible.space = try impossible.space.constrained(by: "mini > 100 * batch")
        let refused = impossible
        await #expect(throws: PBTError.self) { try await store.create(refused) }
    }
}
