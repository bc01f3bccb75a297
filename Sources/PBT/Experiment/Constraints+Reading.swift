// SPDX-License-Identifier: Apache-2.0

extension SearchSpace {
    /// Reads the hyperparameters and constraints of a definition.
    ///
    /// - Parameters:
    ///   - reader: The definition.
    ///   - mayBeEmpty: Pass true for an open search, whose members may bring their own hyperparameters.
    /// - Throws: A ``DocumentError``.
    init(_ reader: ObjectReader, mayBeEmpty: Bool) throws(DocumentError) {
        let space = try SearchSpace(
            document: reader.required("space", "space: {learning_rate: {log_uniform: [1e-5, 1]}}"),
            mayBeEmpty: mayBeEmpty, hasCommand: reader.has("command"),
            order: reader.list("order")?.compactMap(\.value.string))
        self = try space.constrained(reader)
    }

    /// Returns the space with the constraints of a definition.
    ///
    /// - Throws: A ``DocumentError`` that names the constraint and the column.
    private func constrained(_ reader: ObjectReader) throws(DocumentError) -> Self {
        guard let list = try reader.list("constraints") else { return self }
        var faults = Faults()
        guard list.count <= Limits.constraints else {
            throw reader.error(
                "constraints", "must have at most \(Limits.constraints) constraints, not \(list.count)")
        }
        var constraints: [Constraint] = []
        for (place, document) in list.enumerated() {
            func fail(_ problem: String) {
                faults.add(DocumentError(line: document.line, path: "constraints[\(place)]", problem: problem))
            }
            guard let text = document.value.string else {
                fail("must be a comparison, for example \"batch >= 2 * minibatch\", not \(document.value)")
                continue
            }
            do {
                let constraint = try Constraint(text, dimensions: dimensions)
                if constraints.contains(constraint) { fail("\"\(text)\" is duplicated; keep one") }
                constraints.append(constraint)
            } catch {
                fail("\"\(text)\", \(error.message)")
            }
        }
        try faults.check()
        return with(constraints: constraints)
    }
}

extension Experiment {
    /// The number of founders whose constraints are checked when a definition is read; a store checks all.
    private static let foundersChecked = 100

    /// Returns the constraints that founders cannot satisfy.
    ///
    /// Not for definitions in a store, whose founders exist.
    func constraintErrors(in document: Document) -> [DocumentError] {
        guard !space.constraints.isEmpty else { return [] }
        if case .replay = kind { return [] }
        var errors: [DocumentError] = []
        for member in 0..<max(initial.count, min(takesMembers ? 1 : population, Self.foundersChecked)) {
            guard let violated = founderWithDependencies(member).violated else { continue }
            let isGiven = initial.indices.contains(member) && !initial[member].values.isEmpty
            let place = isGiven ? nil : space.constraints.firstIndex(of: violated)
            errors.append(
                DocumentError(
                    line: isGiven
                        ? document.line(of: ["initial"], member) : document.line(of: ["constraints"], place ?? 0),
                    path: isGiven ? "initial[\(member)]" : "constraints[\(place ?? 0)]",
                    problem: isGiven
                        ? "\(Self.unsatisfied(violated)); give other values, or more of them"
                        : "\(Self.unsatisfied(violated)); widen the ranges, or loosen it"))
            // The others fail alike.
            if !isGiven { break }
        }
        return errors
    }

    /// Returns warnings about constraints, conditions, and grids that are legal but unlikely to be meant.
    func spaceAdvice(in document: Document) -> [DocumentError] {
        var advice: [DocumentError] = []
        for name in space.definedNames {
            let path = space.path(of: name)
            for problem in [space.gridAdvice(about: name), space.conditionAdvice(about: name)].compactMap(\.self) {
                advice.append(
                    DocumentError(line: document.line(of: path), path: "space.\(name)", problem: problem))
            }
        }
        for (place, problem) in space.constraintAdvice(seed: seed) {
            advice.append(
                DocumentError(
                    line: document.line(of: ["constraints"], place), path: "constraints[\(place)]", problem: problem))
        }
        return advice
    }
}

extension SearchSpace {
    /// The share of draws that satisfy a constraint below which it is advised against.
    private static let leastSatisfied = 0.05

    /// Returns warnings about constraints that few draws satisfy, or that all do, with their places.
    fileprivate func constraintAdvice(seed: UInt64) -> [(place: Int, problem: String)] {
        guard !constraints.isEmpty else { return [] }
        let free = with(constraints: [])
        // Negative members exist in no experiment, so no founder is repeated.
        let draws = (1...1000).map { free.sample(seed: seed, member: -$0, index: 0).values }
        return constraints.enumerated().compactMap { place, constraint in
            let applying = draws.filter { draw in constraint.names.allSatisfy { draw[$0] != nil } }
            let satisfied = applying.count { constraint.isSatisfied(by: $0) }
            guard applying.count >= 100, Double(satisfied) < Self.leastSatisfied * Double(applying.count) else {
                return nil
            }
            return (
                place,
                "\"\(constraint)\" is satisfied by \(satisfied) of \(applying.count) draws: founders are drawn up to "
                    + "\(Limits.attempts) times, and explore will often keep values; narrow the ranges to those that "
                    + "satisfy it"
            )
        }
    }

    /// Returns a warning about a range whose ends are not on its grid.
    fileprivate func gridAdvice(about name: String) -> String? {
        guard let domain = definition(of: name)?.domain else { return nil }
        switch domain {
        case .real(let real):
            guard let quantum = real.quantum, let range = real.range else { return nil }
            for end in [real.bounds.upperBound, range.lowerBound, range.upperBound] {
                let point = real.legal(end)
                guard (point - end).magnitude > 1e-9 * quantum else { continue }
                return Self.gridAdvice(.number(quantum), .number(real.origin), .number(end), .number(point))
            }
        case .integer(let integers) where integers.quantum > 1:
            for end in [integers.bounds.upperBound, integers.range.lowerBound, integers.range.upperBound] {
                let point = integers.legal(Double(end))
                guard point != end else { continue }
                return Self.gridAdvice(
                    .integer(integers.quantum), .integer(integers.bounds.lowerBound), .integer(end), .integer(point))
            }
        default: break
        }
        return nil
    }

    private static func gridAdvice(
        _ quantum: PBT.Value, _ origin: PBT.Value, _ end: PBT.Value, _ point: PBT.Value
    ) -> String {
        "\(end.flowText) is not on the grid of \(quantum.flowText) from \(origin.flowText); the nearest value on it is "
            + point.flowText
    }

    /// Returns a warning about a condition that is never met, or that changes the shape of the weights.
    fileprivate func conditionAdvice(about name: String) -> String? {
        guard let dimension = definition(of: name), let condition = dimension.condition else { return nil }
        for (other, values) in condition.values.sorted(by: { $0.key < $1.key }) {
            guard let parent = dimensions[other] else { continue }
            if case .constant(let constant) = parent.domain {
                guard !values.contains(where: { $0.isSame(as: constant) }) else { continue }
                return "never applies, since \(other) is always \(constant)"
            }
            if !dimension.isMutable, parent.isMutable {
                return
                    "is not mutable, but explore may change \(other), which it depends on; write mutable: false for "
                    + "\(other) too"
            }
        }
        return nil
    }
}
