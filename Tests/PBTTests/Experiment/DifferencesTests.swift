// SPDX-License-Identifier: Apache-2.0

import PBT
import Testing

@Suite("Differences between definitions") struct DifferencesTests {
    private static func experiment(_ edit: (inout [String: Value]) -> Void = { _ in }) throws -> Experiment {
        var object: [String: Value] = [
            "name": "x", "objective": ["metric": "m", "goal": "maximize"], "population": 4, "intervals": 3,
            "space": ["lr": ["uniform": [0, 1]], "layers": ["integer": [1, 8]]],
            "command": ["./a.sh", "{lr}"], "stop": ["target": 1.5],
        ]
        edit(&object)
        return try Experiment(document: Document(.object(object)), directory: "/work")
    }

    @Test func `equal definitions do not differ, and written-out defaults are no difference`() throws {
        let old = try Self.experiment()
        #expect(old.differences(from: old).isEmpty)
        #expect(try Self.experiment { $0["retries"] = 2 }.differences(from: old).isEmpty)
    }

    @Test func `each key is told with its old and new value`() throws {
        let old = try Self.experiment()
        let new = try Self.experiment {
            $0["command"] = ["./b.sh", "two words"]
            $0["intervals"] = 6
            $0["objective"] = ["metric": "m", "goal": "minimize"]
            $0["space"] = ["lr": ["uniform": [0, 0.5]], "layers": ["integer": [1, 8]], "depth": "boolean"]
            $0["stop"] = nil
            $0["timeout"] = "10m"
        }
        #expect(
            new.differences(from: old).map(\.description) == [
                "command: ./a.sh {lr} → ./b.sh 'two words'", "intervals: 3 → 6", "objective.goal: maximize → minimize",
                "space.depth: not set → {boolean: true}", "space.lr: {uniform: [0, 1]} → {uniform: [0, 0.5]}",
                "stop.target: 1.5 → not set", "timeout: not set → 600",
            ])
    }

    @Test func `only the search's own keys conflict, without the population of a search that grows`() throws {
        let old = try Self.experiment()
        let edited = try Self.experiment { $0["command"] = ["./b.sh"] }
        #expect(edited.differences(from: old).map(\.isSearch) == [false])
        #expect(edited.conflicts(with: old).isEmpty)
        let manual = try Self.experiment { $0["kind"] = "manual" }
        let grown = try Self.experiment {
            $0["kind"] = "manual"
            $0["population"] = 9
        }
        #expect(grown.conflicts(with: manual).isEmpty)
        #expect(try Self.experiment { $0["population"] = 9 }.conflicts(with: old) == ["population"])
    }

    @Test func `numbers that differ read differently`() throws {
        let old = try Self.experiment { $0["stop"] = ["target": 0.99999] }
        let new = try Self.experiment { $0["stop"] = ["target": 0.999991] }
        #expect(new.differences(from: old).map(\.description) == ["stop.target: 0.99999 → 0.999991"])
    }

    @Test func `an edit that cannot be says the old and the new value, and a command that can be pasted`() async throws
    {
        let store = InMemoryStore()
        let name = "run 1; echo oops"
        _ = try await store.create(try Self.experiment { $0["name"] = .string(name) })
        let error = await #expect(throws: PBTError.self) {
            try await store.edit(
                try Self.experiment {
                    $0["name"] = .string(name)
                    $0["intervals"] = 6
                })
        }
        #expect(error?.message.contains("intervals: 3 (the new definition says 6)") == true)
        #expect(error?.message.contains("pbt rm 'run 1; echo oops'") == true)
    }
}
