// SPDX-License-Identifier: Apache-2.0

/// One interval's hyperparameters: names and JSON values.
public struct Hyperparameters: Sendable, Hashable, ExpressibleByDictionaryLiteral {
    /// The values by name.
    public var values: [String: Value]

    /// Hyperparameters with these values.
    public init(_ values: [String: Value]) {
        self.values = values
    }

    /// Hyperparameters written in place; a repeated name is a programming error.
    public init(dictionaryLiteral elements: (String, Value)...) {
        values = Dictionary(uniqueKeysWithValues: elements)
    }

    /// The value of that name.
    public subscript(name: String) -> Value? {
        get { values[name] }
        set { values[name] = newValue }
    }

    /// The names, in order.
    public var names: [String] {
        values.keys.sorted()
    }

    /// The number of that name, whole or not.
    ///
    /// - Parameter name: The hyperparameter's name.
    /// - Returns: The number.
    /// - Throws: A ``PBTError`` with code ``PBTError/Code/badValue`` when there is none or it is no number.
    public func double(_ name: String) throws -> Double {
        guard let value = values[name] else {
            throw PBTError(.badValue, "there is no hyperparameter \"\(name)\"; there are \(names.quotedList)")
        }
        guard let double = value.double else {
            throw PBTError(.badValue, "hyperparameter \"\(name)\" is \(value.kind), not a number")
        }
        return double
    }

    /// The hyperparameters as a JSON object.
    public var value: Value {
        .object(values)
    }
}

extension Hyperparameters: CustomStringConvertible {
    /// The hyperparameters as JSON on one line.
    public var description: String {
        value.json
    }
}
