// SPDX-License-Identifier: Apache-2.0

/// A constraint between hyperparameters: a comparison of two arithmetic expressions, such as
/// `batch >= 2 * minibatch`.
///
/// It consists of numbers, names of numeric hyperparameters, `+`, `-`, `*`, `/`, parentheses, and one of `<`, `<=`, `>`,
/// `>=`, `==`, `!=`. Evaluation always ends and never fails: a division by zero, like any other result that is not
/// finite, violates the constraint. Numbers that differ by no more than a rounding error are equal. A constraint does
/// not apply where one of its hyperparameters has no value, since its condition is not met.
public struct Constraint: Sendable, Hashable, CustomStringConvertible {
    /// A comparison of two numbers.
    enum Comparison: String, Sendable, Hashable, CaseIterable {
        case lessOrEqual = "<="
        case greaterOrEqual = ">="
        case equal = "=="
        case notEqual = "!="
        case less = "<"
        case greater = ">"
    }

    /// An arithmetic operation.
    enum Operation: Character, Sendable, Hashable {
        case plus = "+"
        case minus = "-"
        case times = "*"
        case divide = "/"
    }

    /// An expression.
    indirect enum Expression: Sendable, Hashable {
        case number(Double)
        case name(String)
        case negative(Expression)
        case operation(Operation, Expression, Expression)
    }

    /// The constraint as it was written.
    public let text: String
    let left: Expression
    let comparison: Comparison
    let right: Expression
    /// The names of its hyperparameters, in order.
    package let names: [String]

    init(text: String, left: Expression, comparison: Comparison, right: Expression) {
        self.text = text
        self.left = left
        self.comparison = comparison
        self.right = right
        names = Set(left.names + right.names).sorted()
    }

    /// The constraint as it was written.
    public var description: String { text }

    /// Returns true if two constraints are the same, regardless of spaces.
    public static func == (one: Self, other: Self) -> Bool {
        one.comparison == other.comparison && one.left == other.left && one.right == other.right
    }

    /// Hashes the constraint, regardless of spaces.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(comparison)
        hasher.combine(left)
        hasher.combine(right)
    }

    /// Returns true if hyperparameters satisfy the constraint, or if it does not apply to them.
    public func isSatisfied(by values: [String: Value]) -> Bool {
        var numbers: [String: Double] = [:]
        for name in names {
            guard let number = values[name]?.double else { return true }
            numbers[name] = number
        }
        let (left, right) = (self.left.term(numbers), self.right.term(numbers))
        guard left.value.isFinite, right.value.isFinite else { return false }
        let isEqual = (left.value - right.value).magnitude <= 1e-12 * (left.magnitude + right.magnitude)
        return switch comparison {
        case .less: left.value < right.value && !isEqual
        case .lessOrEqual: left.value < right.value || isEqual
        case .greater: left.value > right.value && !isEqual
        case .greaterOrEqual: left.value > right.value || isEqual
        case .equal: isEqual
        case .notEqual: !isEqual
        }
    }
}

extension Constraint.Expression {
    /// The names of its hyperparameters.
    var names: [String] {
        switch self {
        case .number: []
        case .name(let name): [name]
        case .negative(let inner): inner.names
        case .operation(_, let left, let right): left.names + right.names
        }
    }

    /// Returns its value, and the magnitude to which rounding errors are relative: that of its largest terms.
    func term(_ numbers: [String: Double]) -> (value: Double, magnitude: Double) {
        switch self {
        case .number(let number): return (number, number.magnitude)
        case .name(let name):
            let number = numbers[name] ?? .nan
            return (number, number.magnitude)
        case .negative(let inner):
            let term = inner.term(numbers)
            return (-term.value, term.magnitude)
        case .operation(let operation, let left, let right):
            let (a, b) = (left.term(numbers), right.term(numbers))
            return switch operation {
            case .plus: (a.value + b.value, a.magnitude + b.magnitude)
            case .minus: (a.value - b.value, a.magnitude + b.magnitude)
            case .times: (a.value * b.value, a.magnitude * b.magnitude)
            case .divide: (a.value / b.value, a.magnitude / b.value.magnitude)
            }
        }
    }
}
