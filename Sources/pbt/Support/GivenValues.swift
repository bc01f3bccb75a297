// SPDX-License-Identifier: Apache-2.0

import PBT

/// Hyperparameters as a person writes them on a command line: `name=value`.
struct GivenValues {
    private var assignments: [(name: String, text: String)] = []

    /// Takes `name=value` pairs apart.
    ///
    /// - Throws: A ``Failure`` for what has no `=`, no name, or a name that stands twice.
    init(_ pairs: [String]) throws {
        assignments = try Self.split(pairs, example: "learning_rate=0.001")
    }

    /// Takes `name=value` pairs apart.
    ///
    /// - Parameters:
    ///   - pairs: The arguments.
    ///   - example: One for the message.
    /// - Returns: Names and values, in order.
    /// - Throws: A ``Failure`` for what has no `=`, no name, or a name that is given twice.
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

    /// The values, each read as the hyperparameter of its name takes it.
    ///
    /// A text is JSON, or a scalar of an experiment file (`.001`, `+1`, `True`), or itself: the first of these that the
    /// hyperparameter allows, or the first that can be read at all where it allows none.
    func hyperparameters(in space: SearchSpace) -> Hyperparameters {
        Hyperparameters(
            Dictionary(uniqueKeysWithValues: assignments.map { ($0.name, Self.value($0.text, for: space[$0.name])) }))
    }

    private static func value(_ text: String, for dimension: Dimension?) -> Value {
        var readings: [Value] = []
        do {
            readings.append(try Value(json: text))
        } catch {
            // No JSON: a number in another spelling, or a word.
        }
        readings += [Document.plain(text), .string(text)]
        if text.isEmpty { readings = [.string(text)] }
        return readings.first { dimension?.complaint(about: $0) == nil } ?? readings[0]
    }
}
