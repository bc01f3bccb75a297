// SPDX-License-Identifier: Apache-2.0

extension Experiment {
    /// A difference between two definitions: a key and its two values.
    public struct Difference: Sendable, Hashable, CustomStringConvertible {
        /// The key as a path in the experiment file: `command`, `stop.target`, `space.learning_rate`.
        public var key: String
        /// The value before; nil if it was not set.
        public var old: Value?
        /// The value after; nil if it is not set.
        public var new: Value?
        /// True if it affects the search: everything but the trainer, retries, stop, and keep.
        public var isSearch: Bool

        /// Creates a difference.
        public init(key: String, old: Value?, new: Value?, isSearch: Bool) {
            self.key = key
            self.old = old
            self.new = new
            self.isSearch = isSearch
        }

        /// The top-level key: `stop` of `stop.target`.
        public var topLevelKey: String {
            String(key.prefix { $0 != "." })
        }

        /// The difference on one line: `command: ./a.sh → ./b.sh`.
        public var description: String {
            "\(key): \(oldText) → \(newText)"
        }

        /// The value before, abbreviated.
        public var oldText: String { Self.text(of: old, key: key) }

        /// The value after, abbreviated.
        public var newText: String { Self.text(of: new, key: key) }

        private static func text(of value: Value?, key: String) -> String {
            guard let value, value != .null else { return "not set" }
            var text =
                if key == "command", let words = value.array?.compactMap(\.string) {
                    Shell.command(words)
                } else if case .string(let string) = value {
                    string
                } else {
                    (key.hasPrefix("space.") ? value.withoutDefaults : value).flowText
                }
            if text.count > 200 { text = text.prefix(197) + "..." }
            return text
        }
    }

    /// Returns the keys whose values differ from another definition's, in order of key.
    ///
    /// Objects such as `space`, `objective`, `stop`, and `keep` are compared part by part, so that a single changed
    /// hyperparameter is reported alone. Omitted keys are compared with their defaults.
    ///
    /// - Parameter old: The definition before.
    /// - Returns: One difference for each key.
    public func differences(from old: Experiment) -> [Difference] {
        var (mine, before) = (withCopies(of: old).withDefaults(of: old).comparableValues, old.comparableValues)
        // Hyperparameters are compared by their flat names; if only their grouping differs, it is one difference.
        let isSpaceSame = space.flatValues == old.space.flatValues
        if !isSpaceSame {
            mine["space"] = .object(space.flatValues)
            before["space"] = .object(old.space.flatValues)
        }
        var differences: [Difference] = []
        for key in Set(mine.keys).union(before.keys).sorted() where mine[key] != before[key] {
            let isSearch = !Self.editableKeys.contains(key)
            guard Self.comparedByPart.contains(key), key != "space" || !isSpaceSame else {
                differences.append(Difference(key: key, old: before[key], new: mine[key], isSearch: isSearch))
                continue
            }
            let (new, past) = (mine[key]?.object ?? [:], before[key]?.object ?? [:])
            for name in Set(new.keys).union(past.keys).sorted() where new[name] != past[name] {
                differences.append(
                    Difference(key: "\(key).\(name)", old: past[name], new: new[name], isSearch: isSearch))
            }
        }
        return differences
    }

    /// The definition's values as in an experiment file: without the names of copies, without values from
    /// `from`, and without the order of hyperparameters, which affects nothing.
    private var comparableValues: [String: Value] {
        var plain = withNamedDefaults
        plain.founderCheckpoints = founderCheckpoints.withoutCopies
        var values = plain.value.object ?? [:]
        values.removeValue(forKey: "order")
        if founderCheckpoints.experiment != nil { values.removeValue(forKey: "initial") }
        return values
    }

    /// The keys that do not affect the search.
    package static let editableKeys: Set<String> = [
        "command", "directory", "workers", "gpus", "threads", "timeout", "grace", "persistent", "env", "retries",
        "stop",
        "keep", "metrics", "evaluate",
    ]

    private static let comparedByPart: Set<String> = ["objective", "space", "stop", "keep", "env"]
}

extension [Experiment.Difference] {
    /// The differences in one sentence: `intervals: 3 (the new definition says 6), seed: 0 (…)`.
    package var told: String {
        let most = 5
        let told = prefix(most).map { "\($0.key): \($0.oldText) (the new definition says \($0.newText))" }
        return told.joined(separator: ", ") + (count > most ? ", and \(count - most) more" : "")
    }
}

extension Value {
    /// The value as one line of YAML, with names unquoted: `{uniform: [0, 1]}`.
    package var flowText: String {
        switch self {
        case .array(let array): "[\(array.map(\.flowText).joined(separator: ", "))]"
        case .object(let object):
            "{\(object.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value.flowText)" }.joined(separator: ", "))}"
        case .number(let number) where !number.isFinite: number.isNaN ? ".nan" : number > 0 ? ".inf" : "-.inf"
        case .number(let number):
            number.description.hasSuffix(".0") ? String(number.description.dropLast(2)) : number.description
        default: json
        }
    }

    /// A hyperparameter's definition without bounds that equal its distribution's, and without other defaults.
    fileprivate var withoutDefaults: Value {
        guard var object else { return self }
        let ranges = ["uniform", "log_uniform", "reverse_log_uniform", "integer", "log_integer"]
        for name in ranges where object[name] == object["bounds"] {
            object["bounds"] = nil
        }
        if object["normal"] != nil || object["log_normal"] != nil,
            object["bounds"]?.array?.last?.double == .greatestFiniteMagnitude
        {
            object["bounds"] = nil
        }
        if object["ordered"] == false { object["ordered"] = nil }
        return .object(object)
    }
}
