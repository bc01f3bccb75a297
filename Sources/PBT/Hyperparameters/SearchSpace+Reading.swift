// SPDX-License-Identifier: Apache-2.0

extension SearchSpace {
    /// Reads a space: an object of hyperparameters.
    ///
    /// - Parameters:
    ///   - document: The space.
    ///   - mayBeEmpty: Pass true for an open search, whose members may bring their own hyperparameters.
    ///   - hasCommand: Pass true if a program is started with the hyperparameters, so that every name must be usable in
    ///     a command.
    ///   - order: The order of the names; that of the document by default.
    /// - Throws: A ``DocumentError``.
    init(document: Document, mayBeEmpty: Bool, hasCommand: Bool, order: [String]? = nil) throws(DocumentError) {
        guard case .object(let entries) = document.content, mayBeEmpty || !entries.isEmpty else {
            throw DocumentError(
                line: document.line, path: "space",
                problem: "must have at least one hyperparameter, for example learning_rate: {log_uniform: [1e-5, 1]}")
        }
        var reading = SpaceReading(hasCommand: hasCommand)
        reading.read(entries, in: [])
        reading.resolveConditions()
        try reading.faults.check()
        self.init(reading.dimensions, paths: reading.paths, arrays: reading.arrays, order: order ?? reading.order)
    }

    /// Names of other placeholders in a trainer's command.
    package static let reserved: Set<String> = [
        "args", "checkpoint_in", "checkpoint_out", "results", "hyperparameters", "member", "interval",
    ]

    static func isLegal(name: String) -> Bool {
        guard let first = name.unicodeScalars.first, name.utf8.count <= 128 else { return false }
        func isLetter(_ scalar: Unicode.Scalar) -> Bool { scalar.properties.isAlphabetic || scalar == "_" }
        return isLetter(first)
            && name.unicodeScalars.allSatisfy { isLetter($0) || ("0"..."9").contains($0) || $0 == "-" || $0 == "." }
    }

    /// Returns the environment variable for a hyperparameter: `PBT_PARAM_` and the name in capitals.
    package static func environmentName(of name: String) -> String {
        "PBT_PARAM_"
            + String(
                String.UnicodeScalarView(
                    name.uppercased().unicodeScalars.map { scalar in
                        ("A"..."Z").contains(scalar) || ("0"..."9").contains(scalar) ? scalar : "_"
                    }))
    }
}

extension Dimension {
    static let kinds = [
        "uniform", "log_uniform", "reverse_log_uniform", "normal", "log_normal", "integer", "log_integer", "choice",
        "boolean", "constant", "free",
    ]

    /// The options next to a kind.
    static let options = ["bounds", "quantum", "ordered", "weights", "mutable", "explore", "when", "length"]

    /// Reads a hyperparameter, for example `{log_uniform: [1e-5, 1]}` or `boolean`.
    init(document: Document, path: String, line: Int) throws(DocumentError) {
        if document.value == .string("boolean") {
            self = .boolean
            return
        }
        let hints = [
            "loguniform": "did you mean \"log_uniform\"?",
            "reverseloguniform": "did you mean \"reverse_log_uniform\"?", "int": "did you mean \"integer\"?",
            "randint": "write integer: [LOW, HIGH]",
            "float": "write uniform: [LOW, HIGH]", "values": "write choice: [A, B]",
            "const": "did you mean \"constant\"?",
            "bool": "did you mean \"boolean\"?", "min": "write uniform: [LOW, HIGH]",
            "max": "write uniform: [LOW, HIGH]",
            "quniform": "write uniform: [LOW, HIGH] and quantum: STEP",
            "qloguniform": "write log_uniform: [LOW, HIGH] and quantum: STEP",
            "lograndint": "did you mean \"log_integer\"?", "log_int": "did you mean \"log_integer\"?",
            "grid_search": "write choice: [A, B]", "categorical": "write choice: [A, B]",
            "value": "write constant: VALUE", "type": "write the distribution's name: {uniform: [LOW, HIGH]}",
            "distribution": "write the distribution's name: {uniform: [LOW, HIGH]}",
            "low": "write uniform: [LOW, HIGH]", "high": "write uniform: [LOW, HIGH]",
            "lower": "write uniform: [LOW, HIGH]", "upper": "write uniform: [LOW, HIGH]",
            "step": "write quantum: STEP", "size": "write length: N", "shape": "write length: N",
            "dim": "write length: N", "mean": "write normal: [MEAN, SD]",
            "if": "write when: {NAME: VALUE}", "condition": "write when: {NAME: VALUE}",
            "depends_on": "write when: {NAME: VALUE}", "parent": "write when: {NAME: VALUE}",
        ]
        let reader: ObjectReader
        do {
            reader = try ObjectReader(document, path: path, known: Self.kinds + Self.options, hints: hints)
        } catch {
            if case .object = document.content { throw error }
            throw DocumentError(
                line: line, path: path,
                problem:
                    "must be a distribution, for example {uniform: [0, 1]} or {constant: \(document.value)}, not "
                    + "\(document.value)")
        }
        let named = Self.kinds.filter { reader.has($0) }
        guard let kind = named.first, named.count == 1 else {
            throw DocumentError(
                line: line, path: path,
                problem: named.isEmpty
                    ? "must have one of \(Self.kinds.joined(separator: ", "))"
                    : "has \(named.joined(separator: " and ")); keep one")
        }
        switch kind {
        case "integer", "log_integer": self.init(try Self.readInteger(reader, kind))
        case "choice": self.init(try Self.readChoice(reader))
        case "boolean": self = .boolean
        case "constant": self = .constant(reader.document("constant")?.value ?? .null)
        case "free": self.init(try Self.readFree(reader))
        default: self.init(try Self.readReal(reader, kind))
        }
        try Self.refuse(
            ["bounds", "quantum", "ordered", "weights"].filter { !Self.options(of: kind).contains($0) }, in: reader,
            kind)
        isMutable = try reader.bool("mutable") ?? true
        condition = try Self.readCondition(reader)
        length = try readLength(reader, kind)
        if let document = reader.document("explore") {
            explore = try ExploreRule(document: document, in: reader, name: "explore", allowsCustom: false)
        }
    }

    private func readLength(_ reader: ObjectReader, _ kind: String) throws(DocumentError) -> Int? {
        guard reader.has("length") else { return nil }
        guard mayBeElement else {
            throw reader.error("length", "cannot be combined with \(kind), whose value may be an array: [1, 2]")
        }
        return try reader.int("length", atLeast: Limits.arrayLength.lowerBound, atMost: Limits.arrayLength.upperBound)
    }

    private static func readFree(_ reader: ObjectReader) throws(DocumentError) -> Domain {
        guard let document = reader.document("free"), document.value != .null else { return .free(nil) }
        let inner = try Dimension(document: document, path: reader.place("free"), line: document.line)
        if case .free = inner.domain { throw reader.error("free", "must be a distribution, not another free") }
        guard inner.isMutable, inner.explore == nil, inner.condition == nil else {
            throw reader.error("free", "must be a distribution alone; mutable, explore and when belong next to free")
        }
        guard inner.length == nil else {
            throw reader.error("free", "must be a distribution of single values; remove length")
        }
        return .free(inner.domain)
    }

    private static func options(of kind: String) -> [String] {
        switch kind {
        case "uniform", "log_uniform", "reverse_log_uniform", "normal", "log_normal", "integer", "log_integer":
            ["bounds", "quantum"]
        case "choice": ["ordered", "weights"]
        default: []
        }
    }

    private static func refuse(_ options: [String], in reader: ObjectReader, _ kind: String) throws(DocumentError) {
        for option in options where reader.has(option) {
            throw reader.error(option, "cannot be combined with \(kind)")
        }
    }

    private static func readReal(_ reader: ObjectReader, _ kind: String) throws(DocumentError) -> Domain {
        let meaning = kind.hasSuffix("normal") ? "mean and standard deviation" : "the lower first"
        let (a, b) = try reader.pair(kind, meaning)
        var bounds: ClosedRange<Double>?
        if reader.has("bounds") {
            let (low, high) = try reader.pair("bounds", "the lower first")
            guard low < high else {
                throw reader.error("bounds", "must be two numbers, the lower first, not [\(low), \(high)]")
            }
            if kind.hasPrefix("log"), low <= 0 { throw reader.error("bounds", "must be above 0 for \(kind)") }
            if kind.hasPrefix("reverse"), high >= 1 { throw reader.error("bounds", "must be below 1 for \(kind)") }
            bounds = low...high
        }
        let quantum = try reader.double("quantum")
        if let quantum, quantum <= 0 { throw reader.error("quantum", "must be above 0, not \(quantum)") }
        if kind.hasSuffix("normal") {
            guard b > 0 else { throw reader.error(kind, "needs a standard deviation above 0, not \(b)") }
            return kind == "normal"
                ? Dimension.normal(mean: a, deviation: b, bounds: bounds, quantum: quantum).domain
                : Dimension.logNormal(mean: a, deviation: b, bounds: bounds, quantum: quantum).domain
        }
        guard a < b else {
            throw reader.error(
                kind,
                a == b
                    ? "needs two different numbers; for a fixed value write {constant: \(a.short)}"
                    : "needs the lower number first: [\(b.short), \(a.short)]")
        }
        guard (b - a).isFinite else { throw reader.error(kind, "spans more than a number can represent") }
        if kind == "log_uniform", a <= 0 {
            throw reader.error(kind, "needs numbers above 0, not \(a.short); 0 has no logarithm")
        }
        if kind == "reverse_log_uniform", b >= 1 {
            throw reader.error(kind, "needs numbers below 1, not \(b.short), for example [0.9, 0.999]")
        }
        let range = a...b
        if let bounds, bounds.lowerBound > a || bounds.upperBound < b {
            throw reader.error("bounds", "must enclose [\(a.short), \(b.short)], which founders are drawn from")
        }
        if let quantum, quantum > b - a {
            throw reader.error(
                "quantum", "must be at most \((b - a).short), the width of the range, not \(quantum.short)")
        }
        return switch kind {
        case "uniform": Dimension.uniform(range, bounds: bounds, quantum: quantum).domain
        case "log_uniform": Dimension.logUniform(range, bounds: bounds, quantum: quantum).domain
        default: Dimension.reverseLogUniform(range, bounds: bounds, quantum: quantum).domain
        }
    }

    private static func readInteger(_ reader: ObjectReader, _ kind: String) throws(DocumentError) -> Domain {
        func range(_ name: String) throws(DocumentError) -> ClosedRange<Int> {
            let numbers = (reader.document(name)?.value.array ?? []).compactMap(\.int)
            guard numbers.count == 2, reader.document(name)?.value.array?.count == 2 else {
                throw reader.error(
                    name, "must be two integers, the lower first, not \(reader.document(name)?.value ?? .null)")
            }
            guard numbers[0] <= numbers[1] else {
                throw reader.error(name, "needs the lower number first: [\(numbers[1]), \(numbers[0])]")
            }
            guard numbers.allSatisfy({ $0.magnitude <= 1 << 53 }) else {
                throw reader.error(name, "must stay within ±2^53")
            }
            return numbers[0]...numbers[1]
        }
        let drawn = try range(kind)
        let bounds = reader.has("bounds") ? try range("bounds") : drawn
        guard bounds.lowerBound <= drawn.lowerBound, bounds.upperBound >= drawn.upperBound else {
            throw reader.error(
                "bounds", "must enclose [\(drawn.lowerBound), \(drawn.upperBound)], which founders are drawn from")
        }
        if kind == "log_integer", bounds.lowerBound < 1 {
            throw reader.error(kind, "needs numbers of at least 1, not \(bounds.lowerBound)")
        }
        let quantum = try reader.int("quantum", atLeast: 1) ?? 1
        if quantum > 1, quantum > drawn.upperBound - drawn.lowerBound {
            throw reader.error(
                "quantum",
                "must be at most \(drawn.upperBound - drawn.lowerBound), the width of the range, not \(quantum)")
        }
        return .integer(
            Integers(range: drawn, bounds: bounds, isLogarithmic: kind == "log_integer", quantum: quantum))
    }

    private static func readChoice(_ reader: ObjectReader) throws(DocumentError) -> Domain {
        let values = try (reader.list("choice") ?? []).map(\.value)
        guard !values.isEmpty else { throw reader.error("choice", "needs at least one value") }
        var seen: Set<Value> = []
        for value in values where !seen.insert(value.sameness).inserted {
            throw reader.error("choice", "has \(value) twice; give it more weight instead")
        }
        var weights: [Double]?
        if let list = try reader.list("weights") {
            let numbers = list.compactMap(\.value.double)
            guard numbers.count == list.count, numbers.count == values.count,
                numbers.allSatisfy({ $0.isFinite && $0 >= 0 }), numbers.contains(where: { $0 > 0 })
            else {
                throw reader.error(
                    "weights", "must be \(values.count) numbers of at least 0, one for each value, not all 0")
            }
            weights = numbers
        }
        return .choice(Choice(values: values, weights: weights, isOrdered: try reader.bool("ordered") ?? false))
    }
}
