// SPDX-License-Identifier: Apache-2.0

/// Any JSON value: a hyperparameter, a metric, a piece of an event.
///
/// `1` and `1.0` are different values (an integer and a number), as a hyperparameter's type must survive the store.
public enum Value: Sendable, Hashable {
    /// JSON's `null`.
    case null
    /// `true` or `false`.
    case bool(Bool)
    /// A number written without a fraction or exponent, within 64 bits.
    case integer(Int)
    /// Any other number. JSON has no NaN and no infinity; the parser takes them, the writer writes `null`.
    case number(Double)
    /// Text.
    case string(String)
    /// A list.
    case array([Value])
    /// Named values; their order carries no meaning, and they are written in the order of their names.
    case object([String: Value])

    /// The number that this is, whole or not; nothing for any other kind.
    public var double: Double? {
        switch self {
        case .integer(let integer): Double(integer)
        case .number(let number): number
        default: nil
        }
    }

    /// The whole number that this is; nothing for any other kind, nor for a number with a fraction.
    public var int: Int? {
        switch self {
        case .integer(let integer): integer
        case .number(let number): Int(exactly: number)
        default: nil
        }
    }

    /// The text that this is; nothing for any other kind.
    public var string: String? {
        if case .string(let string) = self { string } else { nil }
    }

    /// The truth value that this is; nothing for any other kind.
    public var bool: Bool? {
        if case .bool(let bool) = self { bool } else { nil }
    }

    /// The list that this is; nothing for any other kind.
    public var array: [Value]? {
        if case .array(let array) = self { array } else { nil }
    }

    /// The named values that this is; nothing for any other kind.
    public var object: [String: Value]? {
        if case .object(let object) = self { object } else { nil }
    }

    /// The value of that name; nothing when this is not an object or has no such name.
    public subscript(name: String) -> Value? {
        object?[name]
    }

    /// The value with every number that JSON cannot write turned into null: what a store keeps.
    package var finite: Value {
        switch self {
        case .number(let number): number.isFinite ? self : .null
        case .array(let array): .array(array.map(\.finite))
        case .object(let object): .object(object.mapValues(\.finite))
        default: self
        }
    }

    /// Whether this is neither a list nor an object.
    public var isScalar: Bool {
        switch self {
        case .array, .object: false
        default: true
        }
    }

    /// What kind of value this is, for messages: "a number", "text".
    public var kind: String {
        switch self {
        case .null: "null"
        case .bool: "true or false"
        case .integer, .number: "a number"
        case .string: "text"
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
    /// A whole number.
    public init(integerLiteral value: Int) { self = .integer(value) }
    /// A number.
    public init(floatLiteral value: Double) { self = .number(value) }
    /// Text.
    public init(stringLiteral value: String) { self = .string(value) }
    /// A list.
    public init(arrayLiteral elements: Value...) { self = .array(elements) }
    /// An object; a repeated name is a programming error.
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
