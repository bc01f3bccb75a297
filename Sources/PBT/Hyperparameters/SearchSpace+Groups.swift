// SPDX-License-Identifier: Apache-2.0

/// The state of reading a space: hyperparameters, arrays, and nested groups of them.
struct SpaceReading {
    /// The maximum depth of groups.
    private static let mostGroups = 16

    /// True if a program is started with the hyperparameters, so that every name must be usable in a command.
    let hasCommand: Bool
    var dimensions: [String: Dimension] = [:]
    /// The names in the order of the document.
    private(set) var order: [String] = []
    private(set) var paths: [String: [String]] = [:]
    /// The lengths of arrays, by name.
    private(set) var arrays: [String: Int] = [:]
    var faults = Faults()
    /// The lines of conditions, by the name of the hyperparameter that has one.
    private(set) var conditionLines: [String: Int] = [:]
    private var variables: [String: String] = [:]

    init(hasCommand: Bool) {
        self.hasCommand = hasCommand
    }

    /// Reads the hyperparameters of one group.
    ///
    /// - Parameters:
    ///   - entries: The hyperparameters and groups.
    ///   - group: The path of the group; empty for the space itself.
    mutating func read(_ entries: [Document.Entry], in group: [String]) {
        var names: Set<String> = []
        for entry in entries {
            let path = group + [entry.name]
            guard names.insert(entry.name).inserted else {
                faults.add(Self.error(entry, path, "is duplicated; keep one"))
                continue
            }
            if Dimension.isGroup(entry.content), case .object(let inner) = entry.content.content {
                if let problem = Self.problem(withName: entry.name) {
                    faults.add(Self.error(entry, path, problem))
                } else if path.count > Self.mostGroups {
                    faults.add(Self.error(entry, path, "is nested deeper than \(Self.mostGroups) groups"))
                } else {
                    read(inner, in: path)
                }
                continue
            }
            do {
                try add(entry, at: path)
            } catch {
                faults.add(error)
            }
        }
    }

    private mutating func add(_ entry: Document.Entry, at path: [String]) throws(DocumentError) {
        let name = path.joined(separator: ".")
        guard dimensions[name] == nil, arrays[name] == nil else {
            throw Self.error(
                entry, path, "is defined twice, nested and as a name with a dot; keep one")
        }
        // Free hyperparameters come from other systems, with names of their own.
        let isForeign =
            if !hasCommand, path.count == 1, case .object(let kind) = entry.content.content {
                kind.contains { $0.name == "free" }
            } else {
                false
            }
        if !isForeign { try check(entry, path, name) }
        // A hyperparameter in a group with the name of a distribution would be read as that distribution.
        if case .object(let options) = entry.content.content,
            let member = options.first(where: {
                Dimension.kinds.contains($0.name) && !["free", "constant"].contains($0.name)
                    && Dimension.readsAsHyperparameter($0.content)
            })
        {
            throw Self.error(
                member, path + [member.name],
                "a hyperparameter in a group cannot have the name of a distribution; rename it")
        }
        let dimension = try Dimension(document: entry.content, path: "space.\(name)", line: entry.line)
        let elements = dimension.elements(named: name)
        let count = dimensions.count + (elements?.count ?? 1)
        guard elements == nil || count <= Limits.dimensions else {
            throw Self.error(
                entry, path, "makes \(count) hyperparameters, more than \(Limits.dimensions); shorten the array")
        }
        if let elements { arrays[name] = elements.count }
        var line: Int?
        if case .object(let options) = entry.content.content { line = options.first { $0.name == "when" }?.line }
        for element in elements ?? [(name, dimension)] {
            dimensions[element.name] = element.dimension
            order.append(element.name)
            conditionLines[element.name] = line
        }
        if path.count > 1 { paths[name] = path }
    }

    private mutating func check(_ entry: Document.Entry, _ path: [String], _ name: String) throws(DocumentError) {
        if let problem = Self.problem(withName: entry.name) { throw Self.error(entry, path, problem) }
        guard name.utf8.count <= 128 else {
            throw Self.error(entry, path, "has more than 128 bytes; shorten the names")
        }
        guard !SearchSpace.reserved.contains(name) else {
            throw Self.error(entry, path, "{\(name)} is a reserved placeholder of commands; choose another name")
        }
        let variable = SearchSpace.environmentName(of: name)
        if let other = variables[variable] {
            throw Self.error(
                entry, path, "would share the environment variable \(variable) with \"\(other)\"; rename one")
        }
        variables[variable] = name
    }

    private static func problem(withName name: String) -> String? {
        guard !SearchSpace.isLegal(name: name) else { return nil }
        var advice = ""
        let parts = name.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        if parts.count > 1, parts.allSatisfy({ SearchSpace.isLegal(name: $0) }) {
            advice =
                "; write \(parts.joined(separator: ".")): {…}, or nested \(parts.dropLast().joined(separator: ": {")): "
                + "{\(parts[parts.count - 1]): {…}}"
        }
        return
            "the name of a hyperparameter consists of letters, digits, '_', '-', and '.', and starts with a letter "
            + "or '_'" + advice
    }

    private static func error(_ entry: Document.Entry, _ path: [String], _ problem: String) -> DocumentError {
        DocumentError(line: entry.line, path: "space.\(path.joined(separator: "."))", problem: problem)
    }
}

extension Dimension {
    /// Returns true if an object is a group of hyperparameters rather than one: it has no key that is a distribution,
    /// and at least one of its values is an object or `boolean`.
    static func isGroup(_ document: Document) -> Bool {
        guard case .object(let entries) = document.content, !entries.contains(where: { kinds.contains($0.name) })
        else { return false }
        return entries.contains { entry in
            if entry.content.value == "boolean" { return true }
            guard case .object = entry.content.content else { return false }
            // An option such as explore may be an object too.
            return !options.contains(entry.name) || readsAsHyperparameter(entry.content)
        }
    }

    /// Returns true if a part of a document is, or contains, the definition of a hyperparameter.
    static func readsAsHyperparameter(_ document: Document) -> Bool {
        guard case .object(let entries) = document.content else { return document.value == "boolean" }
        return entries.contains { kinds.contains($0.name) } || isGroup(document)
    }
}

extension SearchSpace {
    /// Returns the flat names of the hyperparameters in a space that may be invalid.
    package static func names(in document: Document, below prefix: String = "") -> [String] {
        guard case .object(let entries) = document.content else { return [] }
        return entries.flatMap { entry -> [String] in
            let name = prefix + entry.name
            if Dimension.isGroup(entry.content) { return names(in: entry.content, below: "\(name).") }
            guard case .object(let options) = entry.content.content,
                let length = options.first(where: { $0.name == "length" })?.content.value.int,
                Limits.arrayLength.contains(length)
            else { return [name] }
            return [name] + (0..<length).map { elementName(name, $0) }
        }
    }

    /// Returns values by flat name as an object with arrays and nested groups, as a trainer gets them.
    package func nested(_ flat: [String: PBT.Value]) -> PBT.Value {
        let values = folded(flat)
        guard !paths.isEmpty else { return .object(values) }
        var object: [String: PBT.Value] = [:]
        // In this order, so that a value outside of groups never hides one in a group.
        for name in values.keys.sorted() where paths[name] == nil { object[name] = values[name] }
        for name in values.keys.sorted() {
            guard let path = paths[name], let value = values[name] else { continue }
            if !Self.insert(value, at: path[...], into: &object) { object[name] = value }
        }
        return .object(object)
    }

    /// Inserts a value into nested objects; returns false if another value is in the way.
    private static func insert(
        _ value: PBT.Value, at path: ArraySlice<String>, into object: inout [String: PBT.Value]
    ) -> Bool {
        guard let first = path.first else { return false }
        guard path.count > 1 else {
            object[first] = value
            return true
        }
        var inner: [String: PBT.Value]
        switch object[first] {
        case nil: inner = [:]
        case .object(let there)?: inner = there
        default: return false
        }
        guard insert(value, at: path.dropFirst(), into: &inner) else { return false }
        object[first] = .object(inner)
        return true
    }

    /// Returns values by flat name, from an object that may have the hyperparameters of groups nested or flat, and arrays
    /// as a list or by element.
    ///
    /// An object that is not a group is kept.
    ///
    /// - Throws: A ``PBTError`` with code ``PBTError/Code/badValue`` for a hyperparameter that is given in both ways, and
    ///   for an array of another length.
    package func flattened(_ values: [String: PBT.Value]) throws(PBTError) -> [String: PBT.Value] {
        guard !paths.isEmpty else { return try unfolded(values) }
        var groups: Set<[String]> = []
        for path in paths.values {
            for count in 1..<path.count { groups.insert(Array(path.prefix(count))) }
        }
        var flat: [String: PBT.Value] = [:]
        func add(_ values: [String: PBT.Value], in group: [String]) throws(PBTError) {
            for (name, value) in values {
                let path = group + [name]
                if groups.contains(path), case .object(let inner) = value {
                    try add(inner, in: path)
                } else {
                    let name = path.joined(separator: ".")
                    guard flat.updateValue(value, forKey: name) == nil else {
                        throw PBTError(
                            .badValue, "hyperparameter \"\(name)\" is given twice, nested and flat; keep one")
                    }
                }
            }
        }
        try add(values, in: [])
        return try unfolded(flat)
    }
}
