// SPDX-License-Identifier: Apache-2.0

extension Experiment {
    /// Returns a founder's hyperparameters, if some depend on others, and a constraint that they violate after
    /// ``Limits/attempts`` draws.
    func founderWithDependencies(_ member: Int) -> (hyperparameters: Hyperparameters, violated: Constraint?) {
        let given = initial.indices.contains(member) ? initial[member].values : [:]
        let (values, violated) = space.completed(given, seed: seed, member: member, index: 0)
        return (Hyperparameters(values), violated)
    }

    /// Returns the hyperparameters of a member that starts again as a founder.
    ///
    /// Those of its first interval, if no draw satisfies the constraints.
    func restarted(at next: IntervalID) -> Hyperparameters {
        guard !space.isIndependent else {
            return space.sample(seed: seed, member: next.member, index: next.index)
        }
        let (values, violated) = space.completed([:], seed: seed, member: next.member, index: next.index)
        return violated == nil ? Hyperparameters(values) : founder(next.member)
    }

    /// Returns explored hyperparameters that meet all conditions and satisfy all constraints, with the changes.
    ///
    /// A hyperparameter whose condition is no longer met is removed, and one whose condition is met at last is sampled
    /// from the distribution of founders. While a constraint is violated, those that are connected with it are explored
    /// again; after ``Limits/exploreAttempts`` they keep the donor's values, which satisfy the constraints unless an
    /// edit added one: then they are sampled.
    ///
    /// - Parameters:
    ///   - explored: The changes that explore proposes.
    ///   - donor: The donor's hyperparameters.
    ///   - next: The interval that gets them.
    ///   - again: Returns the proposal for a hyperparameter at a later attempt; nil for one that is not explored.
    /// - Returns: The hyperparameters, and the changes in the order of the space.
    func legal(
        _ explored: [Change], of donor: Hyperparameters, for next: IntervalID,
        again: (_ name: String, _ attempt: Int) -> Change?
    ) -> (hyperparameters: Hyperparameters, changes: [Change]) {
        var changes = Dictionary(uniqueKeysWithValues: explored.map { ($0.name, $0) })
        var attempts: [String: Int] = [:]
        func settled() -> [String: Value] {
            space.settled(donor.values.merging(changes.mapValues(\.new)) { $1 }) { name, dimension in
                var random = RandomStream(
                    seed: seed, .sample, member: next.member, index: next.index, name: name,
                    attempt: attempts[name] ?? 0)
                return dimension.sample(using: &random)
            }
        }
        func keep(_ names: some Sequence<String>) {
            for name in names where changes[name] != nil {
                let old = donor[name]
                changes[name] = old.map { Change(name: name, old: $0, operation: Change.keptByConstraint, new: $0) }
            }
        }
        var values = settled()
        var violated = space.violated(by: values)
        for attempt in 1...Limits.exploreAttempts where !violated.isEmpty {
            for name in space.names(connectedTo: violated) {
                attempts[name] = attempt
                if let change = again(name, attempt) { changes[name] = change }
            }
            values = settled()
            violated = space.violated(by: values)
        }
        // First only those that are connected; others keep their changes unless those activate a hyperparameter.
        for keepsAll in [false, true] where !violated.isEmpty {
            keep(keepsAll ? Set(changes.keys) : space.names(connectedTo: violated))
            values = settled()
            violated = space.violated(by: values)
        }
        if !violated.isEmpty { sample(space.names(connectedTo: violated), in: &values, &changes, for: next) }
        return (Hyperparameters(values), recorded(changes, from: donor.values, to: values))
    }

    /// Samples hyperparameters from the distribution of founders, if that satisfies the constraints.
    private func sample(
        _ names: Set<String>, in values: inout [String: Value], _ changes: inout [String: Change], for next: IntervalID
    ) {
        let fixed = values.filter { !names.contains($0.key) || space[$0.key]?.isMutable == false }
        let sampled = space.completed(fixed, seed: seed, member: next.member, index: next.index)
        guard sampled.violated == nil else { return }
        for name in names {
            guard let old = values[name], let new = sampled.values[name], !new.isIdentical(to: old) else { continue }
            changes[name] = Change(name: name, old: changes[name]?.old ?? old, operation: "resampled", new: new)
        }
        values = sampled.values
    }

    /// Returns the changes between two sets of hyperparameters, with the operations of those that were explored.
    private func recorded(
        _ changes: [String: Change], from old: [String: Value], to new: [String: Value]
    ) -> [Change] {
        space.names.compactMap { name in
            switch (old[name], new[name]) {
            case (nil, nil): nil
            case (nil, let new?): Change(name: name, old: .null, operation: Change.activated, new: new)
            case (let old?, nil): Change(name: name, old: old, operation: Change.deactivated, new: .null)
            case (.some, .some): changes[name]
            }
        }
    }

    /// Returns what a push changes: the given values, and those of hyperparameters that depend on them.
    ///
    /// - Parameters:
    ///   - given: The values, checked.
    ///   - interval: The founder's interval.
    /// - Returns: The new values, and the names of hyperparameters whose condition is no longer met.
    /// - Throws: A ``PBTError`` with code ``PBTError/Code/badValue`` if the others cannot satisfy a constraint.
    func dependents(
        of given: Hyperparameters, for interval: Interval
    ) throws(PBTError) -> (values: [String: Value], removed: Set<String>, names: [String]) {
        guard !space.isIndependent else { return (given.values, [], given.names) }
        let id = interval.id
        let listed = initial.indices.contains(id.member) ? initial[id.member].values : [:]
        let (values, violated) = space.completed(
            listed.merging(given.values) { $1 }, seed: seed, member: id.member, index: id.index)
        if let violated { throw PBTError(.badValue, SearchSpace.complaint(about: values, violated)) }
        let removed = Set(interval.hyperparameters.names).subtracting(values.keys)
        let changed = values.filter { name, value in
            given[name] != nil || !(interval.hyperparameters[name].map { $0.isIdentical(to: value) } ?? false)
        }
        return (changed, removed, (Array(changed.keys) + removed).sorted())
    }

    /// Throws if a founder violates a constraint, since none of its draws satisfied it.
    func checkConstraints(of founders: [Interval]) throws {
        guard !space.constraints.isEmpty else { return }
        if case .replay = kind { return }
        for founder in founders {
            guard let violated = space.violated(by: founder.hyperparameters.values).first else { continue }
            throw PBTError(
                .badExperiment,
                "founder \(founder.id.member): \(Self.unsatisfied(violated)); widen the ranges, or loosen the constraint"
            )
        }
    }

    /// Returns a clause about a constraint that no draw satisfies.
    static func unsatisfied(_ constraint: Constraint) -> String {
        "none of \(Limits.attempts) draws satisfies the constraint \"\(constraint)\""
    }
}

extension Change {
    /// The operation of a hyperparameter whose condition is met at last; it is sampled.
    static let activated = "activated"
    /// The operation of a hyperparameter whose condition is no longer met; it has no value.
    static let deactivated = "deactivated"
    /// The operation of a hyperparameter whose explored values violated a constraint.
    static let keptByConstraint = "kept by constraint"

    /// True if explore left the value as it was.
    public var isKept: Bool {
        operation == "kept" || operation == Self.keptByConstraint
    }
}
