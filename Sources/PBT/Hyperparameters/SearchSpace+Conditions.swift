// SPDX-License-Identifier: Apache-2.0

extension SearchSpace {
    /// Returns the names of hyperparameters with a condition, each after those that its condition names.
    ///
    /// Those of a cycle, which an experiment file must not have, come last.
    static func conditionOrder(of dimensions: [String: Dimension]) -> [String] {
        var left = dimensions.filter { $1.condition != nil }.keys.sorted()
        var order: [String] = []
        while !left.isEmpty {
            let waiting = Set(left)
            let ready = left.filter { name in
                dimensions[name]?.condition?.values.keys.allSatisfy { !waiting.contains($0) } ?? true
            }
            guard !ready.isEmpty else { return order + left }
            order += ready
            left.removeAll { ready.contains($0) }
        }
        return order
    }

    /// Returns hyperparameters without those whose condition is not met, and with a value of those whose condition is.
    ///
    /// - Parameters:
    ///   - given: The values by name.
    ///   - fill: Returns the value of one that has none, but whose condition is met.
    /// - Returns: The values by name.
    package func settled(
        _ given: [String: PBT.Value], filling fill: (String, Dimension) -> PBT.Value
    ) -> [String: PBT.Value] {
        guard !conditionOrder.isEmpty else { return given }
        var values = given
        for name in conditionOrder {
            guard let dimension = dimensions[name], let condition = dimension.condition else { continue }
            if !condition.isMet(by: values) {
                values.removeValue(forKey: name)
            } else if values[name] == nil, dimension.isSampled {
                values[name] = fill(name, dimension)
            }
        }
        return values
    }

    /// Returns given values without those whose condition the other given ones do not meet.
    func withoutUnmet(_ given: [String: PBT.Value]) -> [String: PBT.Value] {
        var known = given.merging(constants) { own, _ in own }
        for name in conditionOrder where dimensions[name]?.condition?.isMet(by: known) == false {
            known.removeValue(forKey: name)
        }
        return known.filter { given[$0.key] != nil }
    }

    /// Returns the problem of values given by hand for hyperparameters whose condition is not met by the others; nil if
    /// there is none.
    func conditionComplaint(about given: [String: PBT.Value]) -> String? {
        guard !conditionOrder.isEmpty else { return nil }
        let known = given.merging(constants) { own, _ in own }
        for name in conditionOrder where given[name] != nil {
            guard let condition = dimensions[name]?.condition, !condition.isMet(by: known) else { continue }
            let missing = condition.values.keys.filter { known[$0] == nil }.sorted()
            return "hyperparameter \"\(name)\" applies only when \(condition.clause); "
                + (missing.isEmpty ? "remove it" : "give \(missing.joined(separator: " and ")) too, or remove it")
        }
        return nil
    }

    /// The values of constants without a condition.
    var constants: [String: PBT.Value] {
        dimensions.compactMapValues { dimension in
            if case .constant(let value) = dimension.domain, dimension.condition == nil { value } else { nil }
        }
    }

    /// The names of hyperparameters that not every interval has.
    package var conditionalNames: Set<String> { Set(conditionOrder) }
}

extension SpaceReading {
    /// Resolves the names in conditions, and checks their values.
    ///
    /// A name is that of a hyperparameter, or of one in the same group or in a group around it.
    mutating func resolveConditions() {
        // The elements of an array share a condition: it is checked once.
        var checked: Set<String> = []
        for name in order {
            let isFirst = checked.insert(definedName(of: name)).inserted
            guard let condition = dimensions[name]?.condition else { continue }
            var resolved: [String: [Value]] = [:]
            for (other, values) in condition.values.sorted(by: { $0.key < $1.key }) {
                guard let full = fullName(of: other, for: name) else {
                    if isFirst { fail(name, other, missing(other, for: name)) }
                    continue
                }
                if isFirst, let complaint = dimensions[full]?.conditionComplaint(about: values) {
                    fail(name, other, "\(full) \(complaint)")
                }
                resolved[full, default: []] += values
            }
            dimensions[name]?.condition = Condition(resolved)
        }
        refuseCycles()
    }

    /// Returns the problem of a name that no hyperparameter has.
    private func missing(_ name: String, for dependent: String) -> String {
        let candidates = candidates(for: name, of: dependent)
        if let array = candidates.first(where: { arrays[$0] != nil }) {
            return "\(array) is an array; name one of its elements, for example \(SearchSpace.elementName(array, 0))"
        }
        let near = nearest(to: name, among: order.filter { $0 != dependent })
        return "there is no hyperparameter \"\(name)\"; "
            + (near.map { "did you mean \"\($0)\"?" } ?? "there are \(order.quotedList)")
    }

    private func fullName(of name: String, for dependent: String) -> String? {
        candidates(for: name, of: dependent).first { dimensions[$0] != nil }
    }

    /// Returns the full names that a name may stand for: itself, and those in the groups around a hyperparameter.
    private func candidates(for name: String, of dependent: String) -> [String] {
        let group = paths[definedName(of: dependent)]?.dropLast() ?? []
        return [name]
            + stride(from: group.count, to: 0, by: -1).map { (group.prefix($0) + [name]).joined(separator: ".") }
    }

    private func definedName(of name: String) -> String {
        guard name.utf8.last == UInt8(ascii: "]"), let bracket = name.lastIndex(of: "[") else { return name }
        let array = String(name[..<bracket])
        return arrays[array] == nil ? name : array
    }

    private mutating func refuseCycles() {
        var seen: Set<String> = []
        func cause(of name: String) -> String? {
            dimensions[name]?.condition?.values.keys.sorted().first {
                dimensions[$0]?.condition != nil && !seen.contains($0)
            }
        }
        for name in SearchSpace.conditionOrder(of: dimensions) {
            guard cause(of: name) != nil else {
                seen.insert(name)
                continue
            }
            // From here on, each depends on another one that is left.
            var path = [name]
            while let next = cause(of: path[path.count - 1]) {
                guard let start = path.firstIndex(of: next) else {
                    path.append(next)
                    continue
                }
                let others = (path[(start + 1)...] + [next]).joined(separator: ", which depends on ")
                fail(next, nil, "\(next) depends on \(others); remove one of the conditions")
                return
            }
        }
    }

    private mutating func fail(_ name: String, _ other: String?, _ problem: String) {
        let path = "space.\(definedName(of: name)).when" + (other.map { ".\($0)" } ?? "")
        faults.add(DocumentError(line: conditionLines[name] ?? 0, path: path, problem: problem))
    }
}

extension Dimension {
    /// Returns the problem of values in a condition on this hyperparameter, as a clause; nil if there is none.
    fileprivate func conditionComplaint(about values: [Value]) -> String? {
        switch domain {
        case .real: return "is a real number; a condition needs a choice, a boolean, an integer, or a constant"
        case .free: return "is free; a condition needs a choice, a boolean, an integer, or a constant"
        // A constant may be one of the values of a former choice.
        case .constant: return nil
        case .choice, .boolean, .integer:
            return values.lazy.compactMap { self.complaint(about: $0) }.first
        }
    }

    /// Reads a condition: `{optimizer: sgd}`, or `{optimizer: [sgd, nesterov]}`.
    static func readCondition(_ reader: ObjectReader) throws(DocumentError) -> Condition? {
        guard let document = reader.document("when") else { return nil }
        guard case .object(let entries) = document.content, !entries.isEmpty else {
            throw reader.error("when", "must name another hyperparameter and its values, for example {optimizer: sgd}")
        }
        var values: [String: [Value]] = [:]
        for entry in entries {
            let allowed = entry.content.value.array ?? [entry.content.value]
            guard !allowed.isEmpty else { throw reader.error("when", "has no value of \(entry.name); name one") }
            guard values.updateValue(allowed, forKey: entry.name) == nil else {
                throw reader.error("when", "has \(entry.name) twice; write a list of values")
            }
        }
        return Condition(values)
    }
}
