// SPDX-License-Identifier: Apache-2.0

/// The condition of a hyperparameter that applies only together with certain values of others, such as the momentum of
/// one of several optimizers.
///
/// If it is not met, an interval has no value of the hyperparameter. Conditions form chains: a hyperparameter without
/// a value meets none. The same is called a conditional space in SMAC and Optuna.
public struct Condition: Sendable, Hashable {
    /// The values of the other hyperparameters, by name: each of them must have one of its values.
    public var values: [String: [Value]]

    /// Creates a condition.
    ///
    /// - Parameter values: The values by name of the hyperparameter; a choice, a boolean, an integer, or a constant.
    public init(_ values: [String: [Value]]) {
        self.values = values
    }

    /// Returns true if hyperparameters meet the condition.
    package func isMet(by hyperparameters: [String: Value]) -> Bool {
        values.allSatisfy { name, allowed in
            guard let value = hyperparameters[name] else { return false }
            return allowed.contains { $0.isSame(as: value) }
        }
    }

    /// The condition as in an experiment file: `{optimizer: [sgd, nesterov]}`.
    var value: Value {
        .object(
            values.mapValues { allowed in
                // A list is always a list of values.
                if allowed.count == 1, let only = allowed.first, only.array == nil { only } else { .array(allowed) }
            })
    }

    /// The condition as a clause: `optimizer is "sgd" or "nesterov"`.
    package var clause: String {
        values.sorted { $0.key < $1.key }.map { name, allowed in
            "\(name) is \(allowed.map(\.json).joined(separator: " or "))"
        }.joined(separator: " and ")
    }
}

extension Dimension {
    /// Returns the hyperparameter with a condition, in addition to those that it has.
    ///
    /// - Parameters:
    ///   - name: The name of another hyperparameter: a choice, a boolean, an integer, or a constant.
    ///   - values: The values of that one with which this hyperparameter applies.
    /// - Returns: The hyperparameter, which has no value unless the other one has one of these.
    public func when(_ name: String, is values: Value...) -> Self {
        var copy = self
        copy.condition = Condition((condition?.values ?? [:]).merging([name: values]) { $1 })
        return copy
    }
}
