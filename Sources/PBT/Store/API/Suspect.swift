// SPDX-License-Identifier: Apache-2.0

/// A worker whose last attempts have all failed.
package struct Suspect: Sendable, Hashable {
    /// A failed attempt.
    package struct Failure: Sendable, Hashable {
        /// The interval.
        package var interval: IntervalID
        /// The kind of the failure: its reason without the numbers; see ``failureKind(of:)``.
        package var kind: String

        package init(interval: IntervalID, kind: String) {
            self.interval = interval
            self.kind = kind
        }
    }

    /// The number of failed attempts in a row.
    package var count = 0
    /// The last of the failures, at most ``most``.
    package var failures: [Failure] = []
    /// Those of its intervals that other workers have since trained.
    package var disproved: [IntervalID] = []
    /// Intervals that it alone has failed until no retry was left; they are reserved for other workers.
    package var heldBack: [IntervalID] = []
    /// The reason of the last failure, for a person.
    package var reason: String?
    /// The reason why it was set aside; nil if it was not.
    package var setAside: String?

    /// The maximum number of failures and intervals that are kept.
    package static let most = 64

    package init() {}

    /// The intervals of its failures.
    package var intervals: Set<IntervalID> { Set(failures.map(\.interval)) }

    mutating func add(_ failure: Failure, because reason: String) {
        count += 1
        self.reason = String(reason.prefix(300))
        failures = (failures + [failure]).suffix(Self.most)
    }

    /// The suspect as a JSON object.
    package var value: Value {
        var object: [String: Value] = [
            "count": .integer(count),
            "failures": .array(failures.map { .array([.string("\($0.interval)"), .string($0.kind)]) }),
        ]
        if !disproved.isEmpty { object["disproved"] = .array(disproved.map { .string("\($0)") }) }
        if !heldBack.isEmpty { object["held_back"] = .array(heldBack.map { .string("\($0)") }) }
        object["reason"] = reason.map { .string($0) }
        object["set_aside"] = setAside.map { .string($0) }
        return .object(object)
    }

    /// Decodes ``value``; invalid parts are left out.
    package init(value: Value) {
        func ids(_ name: String) -> [IntervalID] {
            (value[name]?.array ?? []).compactMap { $0.string.flatMap { IntervalID($0) } }
        }
        count = max(0, value["count"]?.int ?? 0)
        failures = (value["failures"]?.array ?? []).compactMap { item in
            guard let pair = item.array, pair.count == 2, let interval = pair[0].string.flatMap({ IntervalID($0) }),
                let kind = pair[1].string
            else { return nil }
            return Failure(interval: interval, kind: kind)
        }
        disproved = ids("disproved")
        heldBack = ids("held_back")
        reason = value["reason"]?.string
        setAside = value["set_aside"]?.string
    }
}
