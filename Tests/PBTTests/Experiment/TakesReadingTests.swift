// SPDX-License-Identifier: Apache-2.0

import PBT
import Testing

/// `takes`, `self`, and normal steps in an experiment file.
@Suite("What exploit takes, in a file") struct TakesReadingTests {
    private func document(_ rules: String, kind: String = "pbt", explored: String = "") throws -> Document {
        Document(
            try Value(
                json: """
                    {"name": "x", "kind": "\(kind)", "objective": {"metric": "m", "goal": "max"}, "population": 24,
                    "intervals": 50, "space": {"a": {"uniform": [0, 1]\(explored)}}\(rules)}
                    """))
    }

    private func read(_ rules: String) throws -> Experiment {
        try Experiment(document: document(rules), directory: "/")
    }

    private func complaint(_ rules: String) -> String? {
        do {
            _ = try read(rules)
            return nil
        } catch {
            return "\(error)"
        }
    }

    @Test(
        arguments: [
            (#""self""#, .itself), (#"{"self": null, "burn_in": 3}"#, .itself),
            (#"{"truncation": 0.2, "takes": "weights"}"#, .truncation().taking(.weights)),
            (#"{"takes": "hyperparameters"}"#, .truncation().taking(.hyperparameters)),
            (#"{"t_test": {}, "takes": "weights", "gate": {"relative": 0.1}}"#, .tTest().taking(.weights)),
            (#"{"best": null, "takes": "both"}"#, .best),
            (#"{"custom": "mine", "takes": "weights"}"#, .custom("mine").taking(.weights)),
        ] as [(String, ExploitRule)])
    func `is read, and written as it reads`(text: String, rule: ExploitRule) throws {
        let experiment = try read(#", "exploit": \#(text)"#)
        #expect(experiment.exploit == rule)
        let again = try Experiment(document: Document(experiment.value), directory: "/")
        #expect(again == experiment && again.value == experiment.value)
    }

    @Test func `a definition from before is written without it`() throws {
        #expect(try read(#", "exploit": {"truncation": 0.2}"#).value["exploit"] == ["truncation": 0.2])
        #expect(try read("").value["exploit"] == nil)
        #expect(try read(#", "exploit": "none""#).value["exploit"] == "none")
    }

    @Test(
        arguments: [
            (
                #", "exploit": {"truncation": 0.2, "takes": "weight"}"#,
                "exploit.takes: must be both, weights, or hyperparameters, not \"weight\""
            ),
            (
                #", "exploit": {"none": null, "takes": "weights"}"#,
                "exploit.takes: cannot be combined with none, which takes over nothing; remove it"
            ),
            (
                #", "exploit": {"self": null, "takes": "weights"}"#,
                "exploit.takes: cannot be combined with self, which takes over nothing; remove it"
            ),
            (
                #", "exploit": {"multi_frequency": [1, 5], "takes": "weights"}"#,
                "exploit.takes: cannot be combined with multi_frequency, which decides itself what a migrant brings; write another rule, for example {truncation: 0.2, takes: weights}"
            ),
            (
                #", "exploit": {"takes": "weights"}, "preset": "portfolio""#,
                "exploit.takes: cannot be combined with multi_frequency"
            ),
            (
                #", "exploit": {"truncation": 0.2, "takes": "hyperparameters"}, "explore": "pb2""#,
                "exploit.takes: cannot be combined with explore: pb2, which predicts from the donor's weights and hyperparameters; write perturb or step"
            ),
            (
                #", "exploit": "self", "explore": "pb2_mix""#,
                "explore: pb2_mix learns from members that take over others, and exploit: self has none; write perturb or step"
            ),
            (
                #", "exploit": {"self": null, "gate": {"relative": 0.1}}"#,
                "exploit.gate: cannot be combined with self, which has no donor to compare with; remove it"
            ),
            (#", "exploit": "slef""#, "exploit: unknown rule \"slef\"; did you mean \"self\"?"),
            (
                #", "explore": {"step": {"normal": 0}}"#,
                "explore.step.normal: must be a standard deviation above 0 and at most 1, as a share of the range, for example 0.1, not 0"
            ),
            (#", "explore": {"step": {"normal": [0.1]}}"#, "explore.step.normal: must be"),
            (
                #", "explore": {"step": {"normal": 0.1, "uniform": [0.1, 0.2]}}"#,
                "explore.step.normal: cannot be combined with uniform"
            ),
            (#", "explore": {"step": {"normal": 1e-9}}"#, "explore.step: each step must be between 0.000001 and 1"),
            (
                #", "explore": {"add": {"normal": 0.1}}"#,
                "explore.add: unknown key; write step: {normal: 0.1}, noise with a standard deviation of a tenth of the range"
            ),
        ])
    func `what is wrong is named with its remedy`(rules: String, problem: String) {
        let found = complaint(rules) ?? "nothing"
        #expect(found.contains(problem), "\(found)")
    }

    @Test func `a normal step is read, and written as it reads`() throws {
        let experiment = try read(#", "explore": {"step": {"normal": 0.1}, "resample": 0.25}"#)
        #expect(experiment.explore == .step(deviation: 0.1, resampling: 0.25))
        #expect(try Experiment(document: Document(experiment.value), directory: "/") == experiment)
    }

    @Test func `pbt ignores takes in a kind that has no exploit`() throws {
        let document = try document(#", "exploit": {"takes": "weights"}"#, kind: "random_search")
        #expect(try Experiment(document: document, directory: "/").exploit == .none)
    }

    private func advice(_ rules: String, kind: String = "pbt", explored: String = "") throws -> [String] {
        let document = try document(rules, kind: kind, explored: explored)
        return try Experiment(document: document, directory: "/").advice(in: document).map {
            "\($0.path): \($0.problem)"
        }
    }

    @Test func `an explore that never happens is warned about`() throws {
        let never =
            "never happens, since exploit: none replaces no member; for members that explore on their own, write exploit: self"
        #expect(try advice(#", "exploit": "none", "explore": {"perturb": [0.8, 1.2]}"#) == ["explore: \(never)"])
        #expect(
            try advice(#", "exploit": "none""#, explored: #", "explore": "resample""#) == ["space.a.explore: \(never)"])
        let useless = "has no effect with this kind, whose hyperparameters never change; remove it"
        #expect(
            try advice(#", "exploit": "best", "explore": "perturb""#, kind: "random_search").sorted()
                == ["exploit: \(useless)", "explore: \(useless)"])
    }

    @Test(arguments: [
        "", #", "exploit": "none""#, #", "exploit": "none", "explore": "none""#,
        #", "exploit": "self", "explore": "perturb""#,
        #", "explore": "perturb""#,
    ])
    func `and one that does is not`(rules: String) throws {
        #expect(try advice(rules) == [])
        if rules.isEmpty { #expect(try advice(rules, kind: "random_search") == []) }
    }
}
