// SPDX-License-Identifier: Apache-2.0

extension Experiment.Difference {
    /// The difference as a JSON object with the keys `key`, `old`, `new`; null stands for a key that is not set.
    public var value: Value {
        ["key": .string(key), "old": old ?? .null, "new": new ?? .null]
    }

    /// Decodes a difference that ``value`` encoded.
    init?(value: Value) {
        guard let key = value["key"]?.string else { return nil }
        self.init(key: key, old: value["old"], new: value["new"], isSearch: true)
        isSearch = !Experiment.editableKeys.contains(topLevelKey)
    }
}

extension Event {
    /// The changes of an edit, such as `intervals: 3 → 6`; empty for other events, and those of earlier versions.
    public var editedChanges: [String] {
        differences.map(\.description)
    }

    /// The differences that an edit made; empty for other events, and those of earlier versions.
    package var differences: [Experiment.Difference] {
        guard kind == .edited else { return [] }
        return (details["changes"]?.array ?? []).compactMap { Experiment.Difference(value: $0) }
    }
}
