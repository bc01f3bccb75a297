// SPDX-License-Identifier: Apache-2.0

import PBT
import SystemPackage

/// New values for keys of a definition, from the command line: `space.learning_rate={log_uniform: [1e-5, 1]}`.
struct DefinitionChange {
    private var values: [(path: String, value: Value)] = []

    /// Parses `key=value` pairs; a value is YAML.
    ///
    /// - Throws: A ``Failure`` for a pair without `=` or key, a duplicated key, or a value that is not YAML.
    init(_ pairs: [String]) throws {
        for (path, text) in try GivenValues.split(pairs, example: "population=32") {
            guard path != "name" else { throw Failure(.usage, "--set name: the second argument is the new name") }
            do throws(DocumentError) {
                values.append((path, text.isEmpty ? .null : try Document(yaml: text).value))
            } catch {
                throw Failure(.usage, "--set \(path): \(error.problem)")
            }
        }
    }

    /// Returns the definition with the new values; null removes a key.
    ///
    /// - Throws: A ``Failure`` for an unknown key, or when the result is not a valid definition.
    func applied(to experiment: Experiment) throws -> Experiment {
        guard !values.isEmpty else { return experiment }
        var definition = experiment.value
        // Either key says what founders start with; only one is allowed.
        for (key, other) in [("from", "initial"), ("initial", "from")] where values.contains(where: { $0.path == key })
        {
            definition = Self.definition(definition, other[...], .null)
        }
        for (path, value) in values { definition = Self.definition(definition, path[...], value) }
        let directory = try currentDirectory().string
        do {
            return try Experiment(document: Document(definition), directory: directory)
        } catch {
            let name = values.map(\.path).first { experiment.space[$0] != nil }
            let advice = name.map { "; a hyperparameter is space.\($0)" } ?? ""
            throw Failure(.usage, "--set: \(error)\(advice)")
        }
    }

    /// Replaces the value at a path; a hyperparameter's name may contain dots.
    private static func definition(_ definition: Value, _ path: Substring, _ value: Value) -> Value {
        var object = definition.object ?? [:]
        guard object[String(path)] == nil, let point = path.firstIndex(of: ".") else {
            object[String(path)] = value == .null ? Value?.none : value
            return .object(object)
        }
        let (key, rest) = (String(path[..<point]), path[path.index(after: point)...])
        object[key] = Self.definition(object[key] ?? .object([:]), rest, value)
        return .object(object)
    }
}
