// SPDX-License-Identifier: Apache-2.0

extension SearchSpace {
    /// Adapts hyperparameters of an earlier space to this one.
    ///
    /// A hyperparameter that the space no longer has, or whose condition is not met, is dropped, a new one gets its value
    /// from `fill`, and a constant gets its present value. A value outside its range is kept until explore moves it into the range.
    ///
    /// A space of free dimensions alone, as for Schedy, lists only the hyperparameters that are explored: others are
    /// kept.
    ///
    /// - Parameters:
    ///   - given: The hyperparameters.
    ///   - fill: Returns the value of a new hyperparameter.
    /// - Returns: The hyperparameters, and the changes.
    package func adapted(
        _ given: Hyperparameters, filling fill: (String, Dimension) -> PBT.Value
    ) -> (hyperparameters: Hyperparameters, changes: [Change]) {
        // A space without dimensions accepts any hyperparameters.
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
        // Those whose condition is not met have no value.
        let settled = settled(result.values, filling: fill)
        for name in conditionOrder where result[name] != nil && settled[name] == nil {
            changes.removeAll { $0.name == name }
            guard let old = given[name] else { continue }
            changes.append(Change(name: name, old: old, operation: "dropped", new: .null))
        }
        if !conditionOrder.isEmpty { changes.sort { $0.name < $1.name } }
        return (Hyperparameters(settled), changes)
    }
}
