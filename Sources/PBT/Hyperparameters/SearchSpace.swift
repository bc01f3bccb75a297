// SPDX-License-Identifier: Apache-2.0

/// The search space of an experiment: its hyperparameters, by name.
///
/// The order of the names affects only tables, charts, and pages: every draw comes from a stream named after its
/// hyperparameter, so adding one does not affect the draws of the others. Spaces that differ only in the order are
/// equal.
public struct SearchSpace: Sendable, Hashable, ExpressibleByDictionaryLiteral {
    /// The dimensions by name; those of an array's elements by `NAME[0]`, `NAME[1]`, and so on.
    public let dimensions: [String: Dimension]

    /// The lengths of arrays, by name.
    public let arrays: [String: Int]

    /// The paths of hyperparameters in groups: `["model", "lr"]` for `model.lr`; names without a path are in no group.
    ///
    /// That of an array is by its own name, not by those of its elements.
    package let paths: [String: [String]]

    /// The constraints between hyperparameters.
    public let constraints: [Constraint]

    /// The names of hyperparameters with a condition, each after those that its condition names.
    package let conditionOrder: [String]

    /// Creates a space with these dimensions.
    ///
    /// - Parameters:
    ///   - dimensions: The dimensions by name.
    ///   - order: The order of the names; those that it lacks come last, by name.
    public init(_ dimensions: [String: Dimension], order: [String] = []) {
        self.init(dimensions, paths: [:], order: order)
    }

    /// Creates a space with these dimensions, some of them in groups, or elements of arrays.
    package init(
        _ given: [String: Dimension], paths: [String: [String]], arrays known: [String: Int] = [:],
        constraints: [Constraint] = [], order: [String] = []
    ) {
        var dimensions = given
        var arrays = known
        for (name, dimension) in given {
            guard let elements = dimension.elements(named: name) else { continue }
            dimensions.removeValue(forKey: name)
            arrays[name] = elements.count
            for element in elements { dimensions[element.name] = element.dimension }
        }
        self.dimensions = dimensions
        self.arrays = arrays
        self.paths = paths
        self.constraints = constraints
        conditionOrder = Self.conditionOrder(of: dimensions)
        names = Self.ordered(
            dimensions.keys,
            by: (order + arrays.keys.sorted()).flatMap { name in
                arrays[name].map { length in (0..<length).map { Self.elementName(name, $0) } } ?? [name]
            })
    }

    /// Creates a space from a literal, in its order; a duplicate name is a programming error.
    public init(dictionaryLiteral elements: (String, Dimension)...) {
        self.init(Dictionary(uniqueKeysWithValues: elements), order: elements.map(\.0))
    }

    /// The names in the order of the experiment file.
    public let names: [String]

    /// Returns true if the hyperparameters of two spaces are equal, in any order.
    public static func == (one: Self, other: Self) -> Bool {
        one.dimensions == other.dimensions && one.arrays == other.arrays && one.paths == other.paths
            && one.constraints == other.constraints
    }

    /// Hashes the hyperparameters, regardless of their order.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(dimensions)
        hasher.combine(arrays)
        hasher.combine(paths)
        hasher.combine(constraints)
    }

    /// Returns names in the order of the space; those that it lacks come last, by name.
    package func ordered(_ names: some Collection<String>) -> [String] {
        Self.ordered(names, by: self.names)
    }

    private static func ordered(_ names: some Collection<String>, by order: [String]) -> [String] {
        let given = Set(names)
        var seen: Set<String> = []
        let first = order.filter { given.contains($0) && seen.insert($0).inserted }
        return first + given.subtracting(seen).sorted()
    }

    /// The dimension with a name.
    public subscript(name: String) -> Dimension? {
        dimensions[name]
    }

    /// Samples a founder's hyperparameters from the streams of (seed, member, index).
    ///
    /// Draws that violate a constraint are repeated, up to ``Limits/attempts`` times.
    ///
    /// - Parameters:
    ///   - seed: The experiment's seed.
    ///   - member: The member.
    ///   - index: The index of the interval; 0 for a founder.
    /// - Returns: One value for each dimension except those that are free and have no distribution, and those whose
    ///   condition is not met.
    public func sample(seed: UInt64, member: Int, index: Int) -> Hyperparameters {
        guard isIndependent else {
            return Hyperparameters(completed([:], seed: seed, member: member, index: index).values)
        }
        return Hyperparameters(
            Dictionary(
                uniqueKeysWithValues: names.compactMap { name in
                    guard let dimension = dimensions[name], dimension.isSampled else { return nil }
                    var random = RandomStream(seed: seed, .sample, member: member, index: index, name: name)
                    return (name, dimension.sample(using: &random))
                }))
    }

    /// Checks hyperparameters given by hand and normalizes them to the types that sampling gives.
    ///
    /// A space without dimensions accepts any hyperparameters.
    ///
    /// - Parameter given: Values for some or all dimensions.
    /// - Returns: The values given, in the space's types.
    /// - Throws: A ``PBTError`` with code ``PBTError/Code/badValue`` for an unknown name or a value that the space
    ///   does not allow.
    public func checked(_ given: Hyperparameters) throws -> Hyperparameters {
        if let complaint = Limits.complaint(about: given.values, "hyperparameters") {
            throw PBTError(.badValue, complaint)
        }
        if dimensions.isEmpty { return Hyperparameters(given.values.mapValues(\.finite)) }
        let given = Hyperparameters(try flattened(given.values))
        var checked = Hyperparameters([:])
        for name in given.names {
            guard let value = given[name], let dimension = dimensions[name] else {
                let hint =
                    nearestDefinition(to: name).map { "did you mean \"\($0)\"?" }
                    ?? "there are \(definedNames.quotedList)"
                throw PBTError(.badValue, "there is no hyperparameter \"\(name)\" in the space; \(hint)")
            }
            if let complaint = dimension.complaint(about: value) {
                throw PBTError(.badValue, "hyperparameter \"\(name)\" \(complaint)")
            }
            checked[name] = dimension.normalized(value)
        }
        if let complaint = conditionComplaint(about: checked.values) ?? constraintComplaint(about: checked.values) {
            throw PBTError(.badValue, complaint)
        }
        return checked
    }
}
