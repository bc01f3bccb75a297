// SPDX-License-Identifier: Apache-2.0

import Foundation
import PBT
import Testing

/// The published JSON Schema of the experiment file says what the reader says.
@Suite(.timeLimit(.minutes(10))) struct SchemaTests {
    private static func schema() throws -> Value {
        let root = URL(filePath: #filePath).resolvingSymlinksInPath()
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        return try Value(json: Array(Data(contentsOf: root.appending(path: "Documentation/experiment.schema.json"))))
    }

    /// An object of the file: where its names stand in the schema, and a definition with a name that nobody knows in it.
    struct Place: Sendable, CustomTestStringConvertible {
        let name: String
        let schema: [String]
        let definition: String

        var testDescription: String { name }

        static let unknown = "zzzzzzzzzzzzzzzz"

        static let all = [
            Place(name: "the file", schema: [], definition: "{\(unknown): 1}"),
            Place(name: "objective", schema: ["properties", "objective"], definition: "{objective: {\(unknown): 1}}"),
            Place(
                name: "space", schema: ["properties", "space", "additionalProperties", "anyOf", "1"],
                definition: "{space: {x: {\(unknown): 1}}}"),
            Place(
                name: "explore of one", schema: ["$defs", "own_explore", "anyOf", "1"],
                definition: "{space: {x: {uniform: [0, 1], explore: {\(unknown): 1}}}}"),
            Place(
                name: "exploit", schema: ["properties", "exploit", "anyOf", "1"],
                definition: "{exploit: {\(unknown): 1}}"),
            Place(
                name: "truncation",
                schema: ["properties", "exploit", "anyOf", "1", "properties", "truncation", "anyOf", "1"],
                definition: "{exploit: {truncation: {\(unknown): 1}}}"),
            Place(
                name: "t_test", schema: ["properties", "exploit", "anyOf", "1", "properties", "t_test"],
                definition: "{exploit: {t_test: {\(unknown): 1}}}"),
            Place(
                name: "gate",
                schema: ["properties", "exploit", "anyOf", "1", "properties", "gate", "anyOf", "0"],
                definition: "{exploit: {gate: {\(unknown): 1}}}"),
            Place(
                name: "elites",
                schema: ["properties", "exploit", "anyOf", "1", "properties", "elites", "anyOf", "0"],
                definition: "{exploit: {elites: {\(unknown): 1}}}"),
            Place(
                name: "halving", schema: ["properties", "halving"], definition: "{halving: {\(unknown): 1}}"),
            Place(
                name: "explore", schema: ["properties", "explore", "anyOf", "1"],
                definition: "{explore: {\(unknown): 1}}"),
            Place(
                name: "perturb",
                schema: ["properties", "explore", "anyOf", "1", "properties", "perturb", "anyOf", "1"],
                definition: "{explore: {perturb: {\(unknown): 1}}}"),
            Place(
                name: "ray", schema: ["properties", "explore", "anyOf", "1", "properties", "ray"],
                definition: "{explore: {ray: {\(unknown): 1}}}"),
            Place(
                name: "pb2", schema: ["properties", "explore", "anyOf", "1", "properties", "pb2"],
                definition: "{explore: {pb2: {\(unknown): 1}}}"),
            Place(
                name: "pb2_mix", schema: ["properties", "explore", "anyOf", "1", "properties", "pb2_mix"],
                definition: "{explore: {pb2_mix: {\(unknown): 1}}}"),
            Place(
                name: "synchronous", schema: ["properties", "synchronous", "anyOf", "1"],
                definition: "{synchronous: {\(unknown): 1}}"),
            Place(
                name: "decide", schema: ["properties", "decide", "anyOf", "1"],
                definition: "{decide: {\(unknown): 1}}"),
            Place(
                name: "decide.certain", schema: ["properties", "decide", "anyOf", "1", "properties", "certain"],
                definition: "{decide: {certain: {\(unknown): 1}}}"),
            Place(
                name: "initial", schema: ["properties", "initial", "anyOf", "1"],
                definition: "{initial: {\(unknown): 1}}"),
            Place(
                name: "checkpoint", schema: ["$defs", "founder_checkpoint", "anyOf", "1"],
                definition: "{initial: {checkpoint: {\(unknown): 1}}}"),
            Place(name: "stop", schema: ["properties", "stop"], definition: "{stop: {\(unknown): 1}}"),
            Place(
                name: "evaluate", schema: ["properties", "evaluate", "anyOf", "1"],
                definition: "{evaluate: {\(unknown): 1}}"),
            Place(name: "keep", schema: ["properties", "keep"], definition: "{keep: {\(unknown): 1}}"),
        ]
    }

    @Test(arguments: Place.all)
    func `the schema knows the keys that the reader knows`(_ place: Place) async throws {
        var object = try Self.schema()
        for step in place.schema {
            object = try #require(Int(step).flatMap { object.array?[$0] } ?? object[step])
        }
        let keys = try #require(object["properties"]?.object).keys.sorted()
        #expect(object["additionalProperties"] == false)

        let workplace = try Workplace()
        let sound = """
            name: a
            objective: {metric: m, goal: maximize}
            population: 2
            intervals: 2
            space: {x: {uniform: [0, 1]}}
            command: ["true"]
            """
        // The broken part stands for the sound one of that name.
        let part = place.definition.dropFirst().dropLast()
        let name = part.prefix { $0 != ":" }
        let lines = sound.split(separator: "\n").filter { !$0.hasPrefix("\(name):") } + [part]
        try workplace.write(lines.joined(separator: "\n"), to: "a.yaml")
        let answer = try await workplace.pbt("run", "a.yaml")
        let known = try #require(answer.error.split(separator: "known keys: ").last)
        #expect(answer.error.contains("\(Place.unknown): unknown key; known keys: "), "\(answer.error)")
        #expect(known.dropLast().split(separator: ", ").map(String.init).sorted() == keys)
    }
}
