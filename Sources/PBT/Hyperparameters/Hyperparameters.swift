// SPDX-License-Identifier: Apache-2.0

/// The hyperparameters of an interval: names and JSON values.
public struct Hyperparameters: Sendable, Hashable, ExpressibleByDictionaryLiteral {
    /// The values by name.
    public var values: [String: Value]

    /// Creates hyperparameters with these values.
    public init(_ values: [String: Value]) {
        self.values = values
    }

    /// Creates hyperparameters from a literal; a duplicate name is a programming error.
    public init(dictionaryLiteral elements: (String, Value)...) {
        values = Dictionary(uniqueKeysWithValues: elements)
    }

    /// The value with a name.
    public subscript(name: String) -> Value? {
        get { values[name] }
        set { values[name] = newValue }
    }

    /// The names, in order.
    public var names: [String] {
        values.keys.sorted()
    }

    /// Returns the value of a hyperparameter as a number.
    ///
    /// - Parameter name: The hyperparameter's name.
    /// - Returns: The number.
    /// - Throws: A ``PBTError`` with code ``PBTError/Code/badValue`` if it is missing or not a number.
    public func double(_ name: String) throws -> Double {
        guard let value = values[name] else {
            throw PBTError(.badValue, "there is no hyperparameter \"\(name)\"; there are \(names.quotedList)")
        }
        guard let double = value.double else {
            throw PBTError(.badValue, "hyperparameter \"\(name)\" is \(value.kind), not a number")
        }
        return double
    }

    /// Returns the elements of an array as numbers: those of `betas[0]`, `betas[1]`, and so on.
    ///
    /// - Parameter name: The array's name.
    /// - Returns: The numbers, at least one.
    /// - Throws: A ``PBTError`` with code ``PBTError/Code/badValue`` if there is none, or one is not a number.
    public func doubles(_ name: String) throws -> [Double] {
        var numbers: [Double] = []
        while values[SearchSpace.elementName(name, numbers.count)] != nil || numbers.isEmpty {
            numbers.append(try double(SearchSpace.elementName(name, numbers.count)))
        }
        return numbers
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
