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
    ///
    /// - Parameter space: The space of the experiment.
    /// - Returns: The hyperparameters.
    /// - Throws: A ``Failure`` for an integer that would be rounded.
    func hyperparameters(in space: SearchSpace) throws -> Hyperparameters {
        var values: [String: Value] = [:]
        for (name, text) in assignments { values[name] = try Self.value(text, of: name, for: space[name]) }
        return Hyperparameters(values)
    }

    private static func value(_ text: String, of name: String, for dimension: Dimension?) throws -> Value {
        var readings: [Value] = []
        var isRounded = false
        do {
            readings.append(try Value(json: text))
        } catch {
            // Not JSON: a number in another notation, or a word.
            isRounded = error.problem.hasSuffix(Value.tooLarge) || Value.isRounded(text)
        }
        readings += [Document.plain(text), .string(text)]
        if text.isEmpty { readings = [.string(text)] }
        // A string only where the hyperparameter lists it.
        if isRounded, dimension?.lists(.string(text)) != true {
            throw Failure(.usage, "\(name): the integer \(text.prefix(40)) \(Value.tooLarge)")
        }
        return readings.first { dimension?.complaint(about: $0) == nil } ?? readings[0]
    }
}

extension Dimension {
    /// Returns true for one of the values of a choice.
    fileprivate func lists(_ value: Value) -> Bool {
        guard case .choice(let choice) = domain else { return false }
        return choice.values.contains(value)
    }
}
