// SPDX-License-Identifier: Apache-2.0

extension SearchSpace {
    /// Brings hyperparameters that an earlier space gave into this one.
    ///
    /// A hyperparameter that the space no longer has is dropped, one that is new is given by `fill`, and a constant
    /// takes its present value. A value outside its range stays as it is: explore brings it into the range.
    ///
    /// A space of free dimensions alone, as Schedy's are, says what is explored and not what there is: there a
    /// hyperparameter that the space lacks stays.
    ///
    /// - Parameters:
    ///   - given: The hyperparameters.
    ///   - fill: The value of a hyperparameter that they lack.
    /// - Returns: The hyperparameters, and what changed.
    package func adapted(
        _ given: Hyperparameters, filling fill: (String, Dimension) -> PBT.Value
    ) -> (hyperparameters: Hyperparameters, changes: [Change]) {
        // A space without dimensions takes whatever it is given.
        guard !dimensions.isEmpty else { return (given, []) }
        let isOpen = dimensions.values.allSatisfy(\.isFree)
        var result = given
        var changes: [Change] = []
        for name in Set(names).union(given.names).sorted() {
            guard let dimension = self[name] else {
                if isOpen { continue }
                changes.append(Change(name: name, old: given[name] ?? .null, operation: "dropped", new: .null))
                result.values.removeValue(forKey: name)
                continue
            }
            if let old = given[name] {
                guard case .constant(let constant) = dimension.domain, !constant.isIdentical(to: old) else { continue }
                changes.append(Change(name: name, old: old, operation: "set", new: constant))
                result[name] = constant
            } else if dimension.isSampled {
                let new = fill(name, dimension)
                changes.append(Change(name: name, old: .null, operation: "added", new: new))
                result[name] = new
            }
        }
        return (result, changes)
    }
}
