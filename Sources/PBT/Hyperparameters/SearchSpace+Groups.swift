// SPDX-License-Identifier: Apache-2.0

/// Reads a space: hyperparameters, and groups of them to any reasonable depth.
struct SpaceReading {
    /// How many groups may be in each other.
    private static let mostGroups = 16

    /// Whether a program is started with the hyperparameters, so that every name must suit one.
    let hasCommand: Bool
    private(set) var dimensions: [String: Dimension] = [:]
    private(set) var paths: [String: [String]] = [:]
    private(set) var faults = Faults()
    private var variables: [String: String] = [:]

    init(hasCommand: Bool) {
        self.hasCommand = hasCommand
    }

    /// Reads the hyperparameters of one group.
    ///
    /// - Parameters:
    ///   - entries: The hyperparameters and groups.
    ///   - group: The names that lead there; none for the space itself.
    mutating func read(_ entries: [Document.Entry], in group: [String]) {
        var names: Set<String> = []
        for entry in entries {
            let path = group + [entry.name]
            guard names.insert(entry.name).inserted else {
                faults.add(Self.error(entry, path, "stands twice; keep one"))
                continue
            }
            if Dimension.isGroup(entry.content), case .object(let inner) = entry.content.content {
                if let problem = Self.problem(withName: entry.name) {
                    faults.add(Self.error(entry, path, problem))
                } else if path.count > Self.mostGroups {
                    faults.add(Self.error(entry, path, "is nested more than \(Self.mostGroups) deep"))
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
        guard dimensions[name] == nil else {
            throw Self.error(
                entry, path, "is defined twice, nested and as a name with a dot; keep one")
        }
        // What comes from elsewhere brings its own names.
        let isForeign =
            if !hasCommand, path.count == 1, case .object(let kind) = entry.content.content {
                kind.contains { $0.name == "free" }
            } else {
                false
            }
        if !isForeign { try check(entry, path, name) }
        // A group's hyperparameter that is named as a distribution reads as that distribution.
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
        dimensions[name] = try Dimension(document: entry.content, path: "space.\(name)", line: entry.line)
        if path.count > 1 { paths[name] = path }
    }

    private mutating func check(_ entry: Document.Entry, _ path: [String], _ name: String) throws(DocumentError) {
        if let problem = Self.problem(withName: entry.name) { throw Self.error(entry, path, problem) }
        guard name.utf8.count <= 128 else {
            throw Self.error(entry, path, "has more than 128 bytes; shorten the names")
        }
        guard !SearchSpace.reserved.contains(name) else {
            throw Self.error(entry, path, "{\(name)} already means something in a command; choose another name")
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
        return "a hyperparameter's name is made of letters, digits, '_', '-' and '.', and starts with a letter or '_'"
            + advice
    }

    private static func error(_ entry: Document.Entry, _ path: [String], _ problem: String) -> DocumentError {
        DocumentError(line: entry.line, path: "space.\(path.joined(separator: "."))", problem: problem)
    }
}

extension Dimension {
    /// Whether an object holds hyperparameters rather than being one: no kind of distribution stands in it, and at
    /// least one of its parts is an object or `boolean`.
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

    /// Whether something is, or holds, the definition of a hyperparameter.
    static func readsAsHyperparameter(_ document: Document) -> Bool {
        guard case .object(let entries) = document.content else { return document.value == "boolean" }
        return entries.contains { kinds.contains($0.name) } || isGroup(document)
    }
}

extension SearchSpace {
    /// The flat names in a space that may be wrong: those of what reads as a hyperparameter.
    package static func names(in document: Document, below prefix: String = "") -> [String] {
        guard case .object(let entries) = document.content else { return [] }
        return entries.flatMap { entry in
            Dimension.isGroup(entry.content)
                ? names(in: entry.content, below: "\(prefix)\(entry.name).") : [prefix + entry.name]
        }
    }

    /// Values by flat name as one object in which groups are objects: what a trainer is given.
    package func nested(_ values: [String: PBT.Value]) -> PBT.Value {
        guard !paths.isEmpty else { return .object(values) }
        var object: [String: PBT.Value] = [:]
        // In order, so that a value that is in nobody's group never hides one that is.
        for name in values.keys.sorted() where paths[name] == nil { object[name] = values[name] }
        for name in values.keys.sorted() {
            guard let path = paths[name], let value = values[name] else { continue }
            if !Self.insert(value, at: path[...], into: &object) { object[name] = value }
        }
        return .object(object)
    }

    /// Puts a value into nested objects; false when something else is in the way.
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

    /// Values by flat name, of an object that may name the hyperparameters of groups nested or flat.
    ///
    /// What is no group's object stays as it is.
    ///
    /// - Throws: A ``PBTError`` with code ``PBTError/Code/badValue`` for one that is given in both ways.
    package func flattened(_ values: [String: PBT.Value]) throws(PBTError) -> [String: PBT.Value] {
        guard !paths.isEmpty else { return values }
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
        return flat
    }
}
