// SPDX-License-Identifier: Apache-2.0

import PBT
import SystemPackage

/// Values for keys of a definition, as a command line gives them: `space.learning_rate={log_uniform: [1e-5, 1]}`.
struct DefinitionChange {
    private var values: [(path: String, value: Value)] = []

    /// Reads `key=value` pairs; a value is YAML.
    ///
    /// - Throws: A ``Failure`` for what has no `=` or no key, is given twice, or is not YAML.
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

    /// The definition with the values; null removes a key.
    ///
    /// - Throws: A ``Failure`` when there is no such key, or when what comes of it is not a valid definition.
    func applied(to experiment: Experiment) throws -> Experiment {
        guard !values.isEmpty else { return experiment }
        var definition = experiment.value
        // What founders start with is said by one of the two.
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

    /// Replaces the value at a path; a hyperparameter's name may have points of its own.
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
