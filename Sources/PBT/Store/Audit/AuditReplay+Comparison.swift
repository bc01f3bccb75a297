// SPDX-License-Identifier: Apache-2.0

extension AuditReplay {
    /// Applies the changes that were made by hand to a derived interval.
    static func applying(_ changes: [Change], to derived: Interval, _ differences: inout [String]) -> Interval {
        var interval = derived
        for change in changes where change.isByHand {
            if !(interval.hyperparameters[change.name] ?? .null).isIdentical(to: change.old) {
                differences.append(
                    "the value of \(change.name) before the push is recorded as \(change.old), which is not derived")
            }
            if change.isRemoval {
                // Not `? nil :`, whose nil would be JSON's null, as `Value` has such a literal.
                interval.hyperparameters.values.removeValue(forKey: change.name)
            } else {
                interval.hyperparameters[change.name] = change.new
            }
            interval.changes.append(change)
        }
        return interval
    }

    /// Returns what differs between a recorded interval and the one that was derived.
    static func differences(
        of recorded: Interval?, from derived: Interval?, in space: SearchSpace
    ) -> [String] {
        guard let derived else {
            return recorded == nil ? [] : ["it is recorded, though its member has ended"]
        }
        guard let recorded else { return ["it is not recorded"] }
        var differences: [String] = []
        if recorded.parent != derived.parent {
            differences.append(
                "its parent is recorded as \(recorded.parent?.description ?? "none"), derived: "
                    + (derived.parent?.description ?? "none"))
        }
        if recorded.depth != derived.depth {
            differences.append("its depth is recorded as \(recorded.depth), derived: \(derived.depth)")
        }
        let names = Set(recorded.hyperparameters.names).union(derived.hyperparameters.names)
        for name in names.sorted() {
            let (old, new) = (recorded.hyperparameters[name], derived.hyperparameters[name])
            if let old, let new, space.isSame(old, new, for: name) { continue }
            differences.append(
                "\(name) is recorded as \(old?.json ?? "nothing"), derived: \(new?.json ?? "nothing")")
        }
        let isSame =
            recorded.changes.count == derived.changes.count
            && zip(recorded.changes, derived.changes).allSatisfy { $0.isSame(as: $1, in: space) }
        if !isSame { differences.append("its changes are not recorded as derived") }
        return differences
    }
}

extension Change {
    fileprivate func isSame(as other: Self, in space: SearchSpace) -> Bool {
        name == other.name && operation == other.operation && space.isSame(old, other.old, for: name)
            && space.isSame(new, other.new, for: name)
    }
}

extension SearchSpace {
    /// Returns true if two values of a hyperparameter are identical, or the same point of its grid.
    ///
    /// Stores of version 0.2 have grid points with a summation error: 0.30000000000000004 for 0.3.
    fileprivate func isSame(_ one: PBT.Value, _ other: PBT.Value, for name: String) -> Bool {
        if one.isIdentical(to: other) { return true }
        guard case .real(let real)? = dimensions[name]?.domain, let quantum = real.quantum,
            case (.number(let a), .number(let b)) = (one, other)
        else { return false }
        return (a - b).magnitude <= 1e-9 * quantum
    }
}

extension Value {
    /// Returns true if two values are identical to the last bit: 0 and -0 differ, as do 1 and 1.0.
    package func isIdentical(to other: Self) -> Bool {
        switch (self, other) {
        case (.number(let a), .number(let b)): a.bitPattern == b.bitPattern
        case (.array(let a), .array(let b)): a.count == b.count && zip(a, b).allSatisfy { $0.isIdentical(to: $1) }
        case (.object(let a), .object(let b)):
            a.count == b.count && a.allSatisfy { name, value in b[name]?.isIdentical(to: value) ?? false }
        default: self == other
        }
    }
}
