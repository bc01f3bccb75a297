// SPDX-License-Identifier: Apache-2.0

/// The change of a hyperparameter when a member took over a donor's.
public struct Change: Sendable, Hashable {
    /// The name of the hyperparameter.
    public var name: String
    /// The value that it was derived from: the donor's, or the member's own if exploit takes over weights only.
    public var old: Value
    /// The operation in a few characters: `×0.8`, `1-x ×0.8`, `+1`, `+10% of range`, `resampled`, `kept`, `custom`; by
    /// hand: `pushed`, `removed`.
    public var operation: String
    /// The new value.
    public var new: Value
    /// True if the operation would have left the bounds, and the new value is the legal one nearest to it.
    ///
    /// Rows of earlier versions have no such mark.
    public var isClipped: Bool

    /// The operation for people: `×1.25`, or `×1.25 (clipped)`.
    public var label: String {
        isClipped ? "\(operation) (clipped)" : operation
    }

    /// Creates a change.
    public init(name: String, old: Value, operation: String, new: Value, isClipped: Bool = false) {
        self.name = name
        self.old = old
        self.operation = operation
        self.new = new
        self.isClipped = isClipped
    }

    /// True if it was made by hand, after the hyperparameters were drawn or explored.
    package var isByHand: Bool {
        operation == "pushed" || isRemoval
    }

    /// True if the hyperparameter was removed by hand.
    package var isRemoval: Bool {
        operation == "removed"
    }

    /// The donor's value; nil where it had none.
    package var before: Value? {
        // Not `? nil :`, whose nil would be JSON's null, as `Value` has such a literal.
        if operation == Self.activated || operation == "added" { return .none }
        return .some(old)
    }

    /// The new value; nil where there is none.
    package var after: Value? {
        if operation == Self.deactivated || operation == "dropped" || isRemoval { return .none }
        return .some(new)
    }

    /// The change as a JSON object with the keys `name`, `old`, `operation`, `new`, and `clipped` if it is true.
    public var value: Value {
        var object: [String: Value] = [
            "name": .string(name), "old": old, "operation": .string(operation), "new": new,
        ]
        if isClipped { object["clipped"] = true }
        return .object(object)
    }

    /// Decodes a change from ``value``.
    package init?(value: Value) {
        guard let name = value["name"]?.string, let old = value["old"], let new = value["new"],
            let operation = value["operation"]?.string
        else { return nil }
        self.init(
            name: name, old: old, operation: operation, new: new, isClipped: value["clipped"]?.bool ?? false)
    }
}
