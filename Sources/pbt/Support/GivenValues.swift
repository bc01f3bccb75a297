// SPDX-License-Identifier: Apache-2.0

import PBT

/// Hyperparameters on the command line: `name=value`.
struct GivenValues {
    private var assignments: [(name: String, text: String)] = []

    /// Parses `name=value` pairs.
    ///
    /// - Throws: A ``Failure`` for a pair without `=` or name, or a duplicated name.
    init(_ pairs: [String]) throws {
        assignments = try Self.split(pairs, example: "learning_rate=0.001")
    }

    /// Splits `name=value` pairs.
    ///
    /// - Parameters:
    ///   - pairs: The arguments.
    ///   - example: An example for the message.
    /// - Returns: Names and values, in order.
    /// - Throws: A ``Failure`` for a pair without `=` or name, or a duplicated name.
    static func split(_ pairs: [String], example: String) throws -> [(name: String, text: String)] {
        var assignments: [(name: String, text: String)] = []
        for pair in pairs {
            guard let equals = pair.firstIndex(of: "="), equals > pair.startIndex else {
                throw Failure(.usage, "\"\(pair)\" is not of the form name=value, for example \(example)")
            }
            let name = String(pair[..<equals])
            guard !assignments.contains(where: { $0.name == name }) else {
                throw Failure(.usage, "\(name) is given twice")
            }
            assignments.append((name, String(pair[pair.index(after: equals)...])))
        }
        return assignments
    }

    /// Returns the values, each parsed as its hyperparameter accepts it.
    ///
    /// A string is read as JSON, as a scalar of an experiment file (`.001`, `+1`, `True`), or verbatim: the first reading
    /// that the hyperparameter accepts, or the first that can be parsed where it accepts none.
    func hyperparameters(in space: SearchSpace) -> Hyperparameters {
        Hyperparameters(
            Dictionary(uniqueKeysWithValues: assignments.map { ($0.name, Self.value($0.text, for: space[$0.name])) }))
    }

    private static func value(_ text: String, for dimension: Dimension?) -> Value {
        var readings: [Value] = []
        do {
            readings.append(try Value(json: text))
        } catch {
            // Not JSON: a number in another notation, or a word.
        }
        readings += [Document.plain(text), .string(text)]
        if text.isEmpty { readings = [.string(text)] }
        return readings.first { dimension?.complaint(about: $0) == nil } ?? readings[0]
    }
}
