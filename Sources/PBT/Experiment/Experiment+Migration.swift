// SPDX-License-Identifier: Apache-2.0

extension Experiment {
    /// Returns the hyperparameters of a member that takes a migrant's weights, and the changes; see
    /// ``ExploitRule/multiFrequency(every:)``.
    ///
    /// A hyperparameter that explore does not change is always the migrant's, since it may shape the weights.
    ///
    /// - Parameters:
    ///   - donor: The migrant.
    ///   - origin: The origin of the other hyperparameters.
    ///   - own: The member's own hyperparameters so far.
    ///   - next: The interval that trains with them.
    ///   - isRevised: See ``decide(after:in:strategies:at:revised:)``.
    /// - Returns: The hyperparameters, and a change for each that explore may change.
    func migrated(
        from donor: Population.Member, with origin: ExploitChoice.Origin, own: Hyperparameters, for next: IntervalID,
        revised isRevised: Bool
    ) -> Explored {
        var (result, changes) = isRevised ? adapted(donor.hyperparameters, for: next) : (donor.hyperparameters, [])
        let (source, operation): (Hyperparameters, String) =
            switch origin {
            case .donor: (donor.hyperparameters, "migrated")
            case .best(let member): (member.hyperparameters, "migrated, best's")
            case .own: (own, "migrated, own")
            }
        let moved = space.names.compactMap { name -> Change? in
            guard let dimension = space[name], dimension.isMutable else { return nil }
            let old = donor.hyperparameters[name]
            // One that the migrant lacks may apply with the other hyperparameters.
            guard old != nil || dimension.condition != nil, var new = source[name] ?? old else { return nil }
            if case .constant = dimension.domain { return nil }
            // After an edit it may be from another space.
            if isRevised, dimension.complaint(about: new) != nil { new = result[name] ?? old ?? new }
            return Change(name: name, old: old ?? .null, operation: operation, new: new)
        }
        guard space.isIndependent else {
            // The donor's fixed hyperparameters may not fit the others.
            let legal = legal(moved, of: result, for: next) { _, _ in nil }
            return (legal.hyperparameters, changes + legal.changes, nil)
        }
        for change in moved { result[change.name] = change.new }
        return (result, changes + moved, nil)
    }
}
