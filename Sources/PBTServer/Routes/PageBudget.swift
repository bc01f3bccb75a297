// SPDX-License-Identifier: Apache-2.0

import PBT

/// The budget of one page of a list: the requested number of items, or about ``bytes``.
///
/// An interval's metrics may have a megabyte, and a thousand of them would be in memory together.
struct PageBudget {
    /// The size at which a page ends: 4 MiB, exceeded by one read at most.
    static let bytes = 4 << 20
    /// The number of items to read before their size is known.
    private static let first = 16

    private var items: Int
    private var taken = 0
    private var size = 0

    /// A budget of some items.
    init(items: Int) {
        self.items = items
    }

    /// The number of items to read next, by the size of those so far; at least 1.
    var next: Int {
        guard taken > 0 else { return max(1, min(items, Self.first)) }
        return max(1, min(items, (Self.bytes - size) / max(1, size / taken)))
    }

    /// True if the page is not full.
    var isLeft: Bool {
        items > 0 && size < Self.bytes
    }

    /// Takes in what was read.
    mutating func take(_ intervals: some Collection<Interval>) {
        items -= intervals.count
        taken += intervals.count
        size += intervals.reduce(0) { $0 + $1.approximateSize }
    }
}

extension Interval {
    /// About as many bytes as its JSON has.
    fileprivate var approximateSize: Int {
        let values = [hyperparameters.values, metrics].map { Value.object($0).approximateSize }
        let explored = changes.map { $0.name.utf8.count + $0.old.approximateSize + $0.new.approximateSize + 50 }
        return (values + explored).reduce(400 + (reason?.utf8.count ?? 0), +)
    }
}

extension Value {
    /// About as many bytes as its JSON has.
    fileprivate var approximateSize: Int {
        switch self {
        case .null, .bool: 5
        case .integer, .number: 12
        case .string(let text): text.utf8.count + 3
        case .array(let list): list.reduce(2) { $0 + $1.approximateSize }
        case .object(let object): object.reduce(2) { $0 + $1.key.utf8.count + 4 + $1.value.approximateSize }
        }
    }
}
