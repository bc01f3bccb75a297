// SPDX-License-Identifier: Apache-2.0

/// A reader for one object of a document, which returns its parts and rejects unknown names.
///
/// `Fields` in PBTAPI is the reader of wire messages: those have no lines, stop at the first error, and allow unknown
/// names in responses, so that a newer server can add some.
struct ObjectReader {
    let path: String
    let line: Int
    private let entries: [String: Document.Entry]
    /// The problems of the names, if the caller reports them along with others.
    private(set) var faults = Faults()

    /// Creates a reader.
    ///
    /// - Parameters:
    ///   - document: The object.
    ///   - path: Its path in the document.
    ///   - known: The names that it may contain.
    ///   - hints: Advice for names that other programs use.
    ///   - isTolerant: If true, problems of names are collected in ``faults`` instead of being thrown.
    /// - Throws: A ``DocumentError`` if it is not an object, or has an unknown or duplicate name.
    init(
        _ document: Document, path: String, known: [String], hints: [String: String] = [:], isTolerant: Bool = false
    ) throws(DocumentError) {
        self.path = path
        line = document.line
        guard case .object(let list) = document.content else {
            throw DocumentError(
                line: document.line, path: path,
                problem: "must be an object with \(known.prefix(4).quotedList), not \(document.value.kind)")
        }
        var entries: [String: Document.Entry] = [:]
        var meant: Set<String> = []
        for entry in list {
            let place = path.isEmpty ? entry.name : "\(path).\(entry.name)"
            guard entries[entry.name] == nil else {
                faults.add(DocumentError(line: entry.line, path: place, problem: "is duplicated; keep one"))
                continue
            }
            guard known.contains(entry.name) else {
                let advice: String
                if let hint = hints[entry.name] {
                    advice = hint
                } else if let near = nearest(to: entry.name, among: known) {
                    advice = "did you mean \"\(near)\"?"
                    meant.insert(near)
                } else {
                    advice = "known keys: \(known.joined(separator: ", "))"
                }
                faults.add(DocumentError(line: entry.line, path: place, problem: "unknown key; \(advice)"))
                continue
            }
            entries[entry.name] = entry
        }
        self.entries = entries
        // A value under a misspelled name does not count as missing too.
        for name in meant where entries[name] == nil { faults.excuse(path.isEmpty ? name : "\(path).\(name)") }
        if !isTolerant { try faults.check() }
    }

    func has(_ name: String) -> Bool {
        entries[name] != nil
    }

    func place(_ name: String) -> String {
        path.isEmpty ? name : "\(path).\(name)"
    }

    func error(_ name: String, _ problem: String) -> DocumentError {
        DocumentError(line: entries[name]?.line ?? line, path: place(name), problem: problem)
    }

    func document(_ name: String) -> Document? {
        entries[name]?.content
    }

    func required(_ name: String, _ example: String) throws(DocumentError) -> Document {
        guard let document = entries[name]?.content else {
            throw DocumentError(line: line, path: place(name), problem: "is missing; write for example: \(example)")
        }
        return document
    }

    func string(_ name: String) throws(DocumentError) -> String? {
        guard let value = document(name)?.value else { return nil }
        guard let string = value.string else { throw error(name, "must be a string, not \(value.kind) (\(value))") }
        return string
    }

    func bool(_ name: String) throws(DocumentError) -> Bool? {
        guard let value = document(name)?.value else { return nil }
        guard let bool = value.bool else { throw error(name, "must be true or false, not \(value)") }
        return bool
    }

    func double(_ name: String) throws(DocumentError) -> Double? {
        guard let value = document(name)?.value else { return nil }
        guard let double = value.double, double.isFinite else {
            throw error(name, "must be a finite number, not \(value)")
        }
        return double
    }

    func int(_ name: String, atLeast least: Int, atMost most: Int = .max) throws(DocumentError) -> Int? {
        guard let value = document(name)?.value else { return nil }
        guard let int = value.int else { throw error(name, "must be an integer, not \(value)") }
        guard int >= least else { throw error(name, "must be at least \(least), not \(int)") }
        guard int <= most else { throw error(name, "must be at most \(most), not \(int)") }
        return int
    }

    /// Reads a duration: a number of seconds, or a number with the unit `ms`, `s`, `m`, `h`, or `d`.
    func duration(_ name: String, orZero mayBeZero: Bool = false) throws(DocumentError) -> Duration? {
        guard let value = document(name)?.value else { return nil }
        guard let duration = Duration(value: value), duration > .zero || mayBeZero && duration == .zero else {
            throw error(name, "must be a time such as 90s, 10m or 2h, not \(value)")
        }
        return duration
    }

    func list(_ name: String) throws(DocumentError) -> [Document]? {
        guard let document = document(name) else { return nil }
        guard case .list(let list) = document.content else {
            throw error(name, "must be a list, not \(document.value.kind) (\(document.value))")
        }
        return list
    }

    /// Reads two finite numbers.
    func pair(_ name: String, _ meaning: String) throws(DocumentError) -> (Double, Double) {
        let numbers = (document(name)?.value.array ?? []).compactMap(\.double).filter(\.isFinite)
        guard numbers.count == 2, document(name)?.value.array?.count == 2 else {
            throw error(
                name, "must be two finite numbers, \(meaning), not \((document(name)?.value ?? .null).flowText)")
        }
        return (numbers[0], numbers[1])
    }
}

extension Duration {
    /// Parses a number of seconds, or a number with the unit `ms`, `s`, `m`, `h`, or `d`.
    package init?(value: Value) {
        if let seconds = value.double, seconds.isFinite, seconds.magnitude < 1e12 {
            self = .milliseconds(Int64((seconds * 1000).rounded()))
            return
        }
        guard let text = value.string else { return nil }
        let units: [(suffix: String, seconds: Double)] = [
            ("ms", 0.001), ("s", 1), ("m", 60), ("h", 3600), ("d", 86400),
        ]
        for (suffix, seconds) in units where text.hasSuffix(suffix) {
            guard let count = Double(text.dropLast(suffix.count)), count.isFinite, count.magnitude < 1e9 else {
                continue
            }
            self = .milliseconds(Int64((count * seconds * 1000).rounded()))
            return
        }
        return nil
    }

    /// The duration in seconds, as it is stored in a definition.
    package var value: Value {
        milliseconds % 1000 == 0 ? .integer(Int(milliseconds / 1000)) : .number(Double(milliseconds) / 1000)
    }
}
