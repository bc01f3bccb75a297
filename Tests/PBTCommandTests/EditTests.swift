// SPDX-License-Identifier: Apache-2.0

import PBT
import Testing

@Suite("An experiment that is edited")
struct EditTests {
    /// The definition of an experiment that was finished with 4 members of 3 intervals, with one line replaced.
    private static func definition(_ changed: (String, String)? = nil) -> String {
        let text = """
            name: resume
            objective: {metric: score, goal: maximize}
            population: 4
            intervals: 3
            space: {x: {uniform: [0, 1]}, opt: {choice: [a, b]}}
            command: [/bin/sh, sum.sh]

            """
        guard let (old, new) = changed else { return text }
        return text.replacing(old, with: new)
    }

    private static let edits = [
        ("intervals: 3", "intervals: 6"), ("population: 4", "population: 8"), ("[a, b]", "[a, b, c]"),
        ("uniform: [0, 1]", "uniform: [0, 2]"), ("command:", "exploit: {truncation: 0.5}\ncommand:"),
    ]

    @Test func `budget, members, a range, a choice and a rule can each be changed after it finished`() async throws {
        let place = try Workplace()
        try place.write(Self.definition(), to: "e.yaml")
        #expect(try await place.pbt("run", "e.yaml").code == 0)
        for edit in Self.edits {
            try place.write(Self.definition(edit), to: "x.yaml")
            let told = try await place.pbt("run", "x.yaml")
            #expect(told.code == 65)
            #expect(told.error.contains("pbt edit x.yaml"), "\(told.error)")
            let edited = try await place.pbt("edit", "x.yaml")
            #expect(edited.code == 0, "\(edited.error)")
            let run = try await place.pbt("run", "x.yaml")
            #expect(run.code == 0, "\(run.error)")
            let audit = try await place.pbt("explain", "resume", "--all")
            #expect(audit.code == 0, "\(audit.output)")
        }
        let shown = try await place.show("resume")
        #expect(shown["revisions"]?.array?.count == 6)
        #expect(shown["revisions"]?.array?[1]["changes"] == [["key": "intervals", "old": 3, "new": 6]])
    }

    @Test func `the edit prints old and new value, and says what is left to train`() async throws {
        let place = try Workplace()
        try place.experiment(population: 2, intervals: 1)
        #expect(try await place.pbt("run", "toy.yaml").code == 0)
        try place.experiment(population: 2, intervals: 3)
        let edited = try await place.pbt("edit", "toy.yaml", "--yes")
        #expect(
            edited.output
                == "intervals: 1 → 3\ntoy has revision 1, effective from the next decision; it is running again, 4 "
                + "intervals left to train: pbt run toy.yaml\n")
        #expect(
            try await place.pbt("edit", "toy.yaml").output == "toy already has this definition; nothing was changed\n")
        #expect(try await place.pbt("run", "toy.yaml").code == 0)
        let text = try await place.pbt("show", "toy").output
        #expect(text.contains("after 2 intervals: intervals: 1 "), "\(text)")
        let why = try await place.pbt("explain", "toy", "0@1").output
        #expect(why.contains("Decided by revision 1 of the definition."), "\(why)")
    }

    @Test func `what cannot change names the old value, the new one and the remedy`() async throws {
        let place = try Workplace()
        try place.experiment()
        #expect(try await place.pbt("create", "toy.yaml").code == 0)
        try place.write(
            """
            name: toy
            objective: {metric: loss, goal: minimize}
            population: 2
            intervals: 3
            seed: 7
            space: {x: {uniform: [0, 1]}}
            command: [/bin/sh, sum.sh]
            """, to: "toy.yaml")
        for (command, name) in [("edit", "NEW"), ("run", "toy-2")] {
            let refused = try await place.pbt(command, "toy.yaml")
            #expect(refused.code == 65)
            #expect(refused.error.contains("objective.metric: score → loss"), "\(refused.error)")
            #expect(refused.error.contains("pbt run toy.yaml --name \(name)"), "\(refused.error)")
        }
    }

    @Test func `its random search is edited too`() async throws {
        let place = try Workplace()
        try place.experiment(population: 2, intervals: 1, more: "baseline: random_search")
        #expect(try await place.pbt("run", "toy.yaml").code == 0)
        try place.experiment(population: 3, intervals: 2, more: "baseline: random_search")
        #expect(try await place.pbt("edit", "toy.yaml").code == 0)
        #expect(try await place.pbt("run", "toy.yaml").code == 0)
        for name in ["toy", "toy.random_search"] {
            #expect(try await place.show(name)["intervals"]?["done"] == 6)
            #expect(try await place.pbt("explain", name, "--all").code == 0)
        }
    }
}
