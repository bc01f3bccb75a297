// SPDX-License-Identifier: Apache-2.0

package import PBT

/// A reader for the fields of a JSON object of a request or response, with errors that name the field.
///
/// `ObjectReader` in PBT is the reader of definitions: it names lines, collects all errors, and rejects unknown names
/// everywhere. A message stops at the first error, and a response may have names that this version does not know.
package struct Fields: Sendable {
    private let values: [String: Value]
    private let path: String

    /// Creates a reader.
    ///
    /// - Parameters:
    ///   - value: The object.
    ///   - path: The path of the object in messages; empty for the whole body.
    /// - Throws: A `PBTError` with code `badRequest` if it is not an object.
    package init(_ value: Value?, path: String = "") throws(PBTError) {
        guard let values = value?.object else {
            let what = path.isEmpty ? "the body" : path
            throw PBTError(.badRequest, "\(what) must be an object, not \(value?.kind ?? "missing")")
        }
        self.values = values
        self.path = path
    }

    private func error(_ name: String, _ problem: String) -> PBTError {
        PBTError(.badRequest, "\(path.isEmpty ? name : "\(path).\(name)"): \(problem)")
    }

    private func required<Result>(_ name: String, _ kind: String, _ result: Result?) throws(PBTError) -> Result {
        if let result { return result }
        guard let value = values[name] else { throw error(name, "is missing; give \(kind)") }
        throw error(name, "must be \(kind), not \(value.kind)")
    }

    /// The value of a field; nil if it is missing or null.
    package subscript(name: String) -> Value? {
        guard let value = values[name], value != .null else { return nil }
        return value
    }

    /// The names of the fields.
    package var names: [String] {
        values.keys.sorted()
    }

    /// Checks that all names are known.
    ///
    /// - Throws: A `PBTError` with code `badRequest` that suggests the nearest known name.
    package func check(known: [String]) throws(PBTError) {
        for name in names where !known.contains(name) {
            let near = nearest(to: name, among: known).map { "; did you mean \"\($0)\"?" } ?? ""
            throw error(name, "unknown field; known: \(known.joined(separator: ", "))\(near)")
        }
    }

    package func text(_ name: String) throws(PBTError) -> String {
        try required(name, "a string", values[name]?.string)
    }

    package func text(ifAny name: String) throws(PBTError) -> String? {
        guard self[name] != nil else { return nil }
        return try text(name)
    }

    package func int(_ name: String, in range: ClosedRange<Int> = .min ... .max) throws(PBTError) -> Int {
        let number = try required(name, "an integer", values[name]?.int)
        guard range.contains(number) else {
            throw error(name, "must be between \(range.lowerBound) and \(range.upperBound), not \(number)")
        }
        return number
    }

    package func int(ifAny name: String, in range: ClosedRange<Int> = .min ... .max) throws(PBTError) -> Int? {
        guard self[name] != nil else { return nil }
        return try int(name, in: range)
    }

    package func bool(_ name: String) throws(PBTError) -> Bool {
        try required(name, "true or false", values[name]?.bool)
    }

    package func bool(ifAny name: String) throws(PBTError) -> Bool? {
        guard self[name] != nil else { return nil }
        return try bool(name)
    }

    package func object(_ name: String) throws(PBTError) -> [String: Value] {
        try required(name, "an object", values[name]?.object)
    }

    package func fields(_ name: String) throws(PBTError) -> Fields {
        try Fields(values[name], path: path.isEmpty ? name : "\(path).\(name)")
    }

    package func list(_ name: String) throws(PBTError) -> [Value] {
        try required(name, "a list", values[name]?.array)
    }

    package func strings(_ name: String) throws(PBTError) -> [String] {
        var strings: [String] = []
        for (i, value) in try list(name).enumerated() {
            guard let text = value.string else { throw error("\(name)[\(i)]", "must be a string, not \(value.kind)") }
            strings.append(text)
        }
        return strings
    }

    /// Reads a time: milliseconds since 1970.
    package func time(_ name: String) throws(PBTError) -> Timestamp {
        Timestamp(milliseconds: Int64(try int(name, in: Limits.times)))
    }

    package func time(ifAny name: String) throws(PBTError) -> Timestamp? {
        try int(ifAny: name, in: Limits.times).map { Timestamp(milliseconds: Int64($0)) }
    }

    /// Reads a duration in seconds.
    package func seconds(
        ifAny name: String, in range: ClosedRange<Double>
    ) throws(PBTError) -> Duration? {
        guard let value = self[name] else { return nil }
        let seconds = try required(name, "a number of seconds", value.double)
        guard range.contains(seconds) else {
            throw error(
                name,
                "must be between \(Value.number(range.lowerBound).short) and "
                    + "\(Value.number(range.upperBound).short) seconds, not "
                    + (Value.score(seconds).string ?? "\(value)")
            )
        }
        return .milliseconds(Int64((seconds * 1000).rounded()))
    }

    /// Reads a score: a number, or a string for one that JSON cannot represent; NaN if it is missing.
    package func score(_ name: String) throws(PBTError) -> Double {
        switch self[name] {
        case nil: return .nan
        case .string("NaN"): return .nan
        case .string("Infinity"): return .infinity
        case .string("-Infinity"): return -.infinity
        case let value?:
            return try required(name, "a number, \"NaN\", \"Infinity\" or \"-Infinity\"", value.double)
        }
    }

    package func interval(ifAny name: String) throws(PBTError) -> IntervalID? {
        guard self[name] != nil else { return nil }
        let fields = try fields(name)
        return IntervalID(
            member: try fields.int("member", in: Limits.ordinals),
            index: try fields.int("interval", in: Limits.ordinals))
    }
}

extension Value {
    /// The number in its short form: 60 rather than 60.0.
    fileprivate var short: String {
        int.map(String.init) ?? json
    }

    /// Encodes a score: as a string if JSON cannot represent it.
    package static func score(_ score: Double) -> Value {
        if score.isFinite { return .number(score) }
        return .string(score.isNaN ? "NaN" : score > 0 ? "Infinity" : "-Infinity")
    }

    /// Encodes a time: milliseconds since 1970.
    package static func time(_ time: Timestamp) -> Value {
        .integer(Int(time.milliseconds))
    }
}
