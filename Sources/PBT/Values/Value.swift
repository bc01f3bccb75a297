// SPDX-License-Identifier: Apache-2.0

/// Any JSON value: a hyperparameter, a metric, a piece of an event.
///
/// `1` and `1.0` are different values (an integer and a number), since the store must preserve the types of
/// hyperparameters.
public enum Value: Sendable, Hashable {
    /// JSON's `null`.
    case null
    /// `true` or `false`.
    case bool(Bool)
    /// A number written without a fraction or exponent, within 64 bits.
    case integer(Int)
    /// Any other number; an integer beyond 64 bits only if it is not rounded. JSON has no NaN and no infinity; the parser accepts them, the writer writes `null`.
    case number(Double)
    /// A string.
    case string(String)
    /// A list.
    case array([Value])
    /// An object; written in the order of its names.
    case object([String: Value])

    /// The value as a floating-point number; nil if it is not a number.
    public var double: Double? {
        switch self {
        case .integer(let integer): Double(integer)
        case .number(let number): number
        default: nil
        }
    }

    /// The value as an integer; nil if it is not a number, or has a fraction.
    public var int: Int? {
        switch self {
        case .integer(let integer): integer
        case .number(let number): Int(exactly: number)
        default: nil
        }
    }

    /// The value as a string; nil for other types.
    public var string: String? {
        if case .string(let string) = self { string } else { nil }
    }

    /// The value as a boolean; nil for other types.
    public var bool: Bool? {
        if case .bool(let bool) = self { bool } else { nil }
    }

    /// The value as a list; nil for other types.
    public var array: [Value]? {
        if case .array(let array) = self { array } else { nil }
    }

    /// The value as an object; nil for other types.
    public var object: [String: Value]? {
        if case .object(let object) = self { object } else { nil }
    }

    /// The value with a name; nil if this is not an object or lacks the name.
    public subscript(name: String) -> Value? {
        object?[name]
    }

    /// The value with numbers that JSON cannot represent replaced by null, as it is stored.
    package var finite: Value {
        switch self {
        case .number(let number): number.isFinite ? self : .null
        case .array(let array): .array(array.map(\.finite))
        case .object(let object): .object(object.mapValues(\.finite))
        default: self
        }
    }

    /// True if this is neither a list nor an object.
    public var isScalar: Bool {
        switch self {
        case .array, .object: false
        default: true
        }
    }

    /// The type of the value, for messages: "a number", "a string".
    public var kind: String {
        switch self {
        case .null: "null"
        case .bool: "a boolean"
        case .integer, .number: "a number"
        case .string: "a string"
        case .array: "a list"
        case .object: "an object"
        }
    }
}

extension Value: ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
    ExpressibleByStringLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral,
    ExpressibleByNilLiteral
{
    /// `true` or `false`.
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    /// An integer.
    public init(integerLiteral value: Int) { self = .integer(value) }
    /// A number.
    public init(floatLiteral value: Double) { self = .number(value) }
    /// A string.
    public init(stringLiteral value: String) { self = .string(value) }
    /// A list.
    public init(arrayLiteral elements: Value...) { self = .array(elements) }
    /// An object; a duplicate name is a programming error.
    public init(dictionaryLiteral elements: (String, Value)...) {
        self = .object(Dictionary(uniqueKeysWithValues: elements))
    }
    /// `null`.
    public init(nilLiteral: ()) { self = .null }
}

extension Value: CustomStringConvertible {
    /// The value as JSON on one line, names in order.
    public var description: String {
        json
    }
}
