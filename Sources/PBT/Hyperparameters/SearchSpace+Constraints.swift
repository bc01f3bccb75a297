// SPDX-License-Identifier: Apache-2.0

extension SearchSpace {
    /// Returns the space with constraints between its hyperparameters, in addition to those that it has.
    ///
    /// - Parameter given: The constraints, such as `batch >= 2 * minibatch`.
    /// - Returns: The space; its draws satisfy the constraints.
    /// - Throws: A ``PBTError`` with code ``PBTError/Code/badExperiment`` that names the column of a problem.
    public func constrained(by given: String...) throws(PBTError) -> Self {
        var all = constraints
        for text in given { all.append(try Constraint(text, dimensions: dimensions)) }
        return with(constraints: all)
    }

    /// Returns the space with other constraints.
    func with(constraints: [Constraint]) -> Self {
        Self(dimensions, paths: paths, arrays: arrays, constraints: constraints, order: names)
    }

    /// True if no hyperparameter depends on another one.
    package var isIndependent: Bool {
        conditionOrder.isEmpty && constraints.isEmpty
    }

    /// Returns the constraints that hyperparameters violate, in the order of the file.
    package func violated(by values: [String: PBT.Value]) -> [Constraint] {
        constraints.filter { !$0.isSatisfied(by: values) }
    }

    /// Returns the names that are connected by constraints, directly or through others, with those of some constraints.
    func names(connectedTo violated: [Constraint]) -> Set<String> {
        var names = Set(violated.flatMap(\.names))
        while true {
            let more = constraints.filter { !names.isDisjoint(with: $0.names) }.flatMap(\.names)
            guard !names.isSuperset(of: more) else { return names }
            names.formUnion(more)
        }
    }

    /// Draws the hyperparameters that are not given, from the distributions of founders.
    ///
    /// The first attempt at each is the draw of a space without constraints. While a constraint is violated, those that
    /// are connected with it are drawn again. The others are independent of it, and stay.
    ///
    /// - Parameters:
    ///   - given: The values that are kept, unless their condition is not met.
    ///   - seed: The seed of the streams.
    ///   - member: The member.
    ///   - index: The index of the interval.
    /// - Returns: The values, and a constraint that they violate after ``Limits/attempts`` draws.
    package func completed(
        _ given: [String: PBT.Value], seed: UInt64, member: Int, index: Int
    ) -> (values: [String: PBT.Value], violated: Constraint?) {
        var attempts: [String: Int] = [:]
        func draw(_ name: String, _ dimension: Dimension) -> PBT.Value {
            var random = RandomStream(
                seed: seed, .sample, member: member, index: index, name: name, attempt: attempts[name] ?? 0)
            return dimension.sample(using: &random)
        }
        var values = given
        for (name, dimension) in dimensions where values[name] == nil && dimension.isSampled {
            values[name] = draw(name, dimension)
        }
        values = settled(values, filling: draw)
        for attempt in 1...Limits.attempts {
            let violated = self.violated(by: values)
            guard let first = violated.first else { return (values, nil) }
            let redrawn = names(connectedTo: violated).filter { given[$0] == nil }
            guard !redrawn.isEmpty else { return (values, first) }
            for name in redrawn {
                guard let dimension = dimensions[name], dimension.isSampled else { continue }
                attempts[name] = attempt
                values[name] = draw(name, dimension)
            }
            values = settled(values, filling: draw)
        }
        return (values, violated(by: values).first)
    }

    /// Returns the problem of values given by hand that violate a constraint whatever the others are; nil if there is
    /// none.
    func constraintComplaint(about given: [String: PBT.Value]) -> String? {
        guard !constraints.isEmpty else { return nil }
        let known = given.merging(constants) { own, _ in own }
        return constraints.first { !$0.isSatisfied(by: known) }.map { Self.complaint(about: known, $0) }
    }

    /// Returns a sentence about values that violate a constraint.
    static func complaint(about values: [String: PBT.Value], _ constraint: Constraint) -> String {
        let told = constraint.names.compactMap { name in values[name].map { "\(name) is \($0)" } }
        return "the constraint \"\(constraint)\" is violated: \(told.joined(separator: ", "))"
    }
}
