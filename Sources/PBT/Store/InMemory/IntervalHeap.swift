// SPDX-License-Identifier: Apache-2.0

/// A priority queue of intervals by index and then rank, the least first.
struct IntervalHeap {
    private var entries: [(id: IntervalID, rank: Int64)] = []

    var first: IntervalID? {
        entries.first?.id
    }

    var entry: (id: IntervalID, rank: Int64)? {
        entries.first
    }

    private func precedes(_ a: Int, _ b: Int) -> Bool {
        (entries[a].id.index, entries[a].rank) < (entries[b].id.index, entries[b].rank)
    }

    mutating func insert(_ id: IntervalID, rank: Int64) {
        entries.append((id, rank))
        var child = entries.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard precedes(child, parent) else { return }
            entries.swapAt(child, parent)
            child = parent
        }
    }

    mutating func removeFirst() {
        guard let last = entries.popLast(), !entries.isEmpty else { return }
        entries[0] = last
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < entries.count {
                if precedes(child, least) { least = child }
            }
            guard least != parent else { return }
            entries.swapAt(parent, least)
            parent = least
        }
    }
}
