// SPDX-License-Identifier: Apache-2.0

extension Sequence<String> {
    /// The strings in quotation marks, separated by commas: `"a", "b"`.
    package var quotedList: String {
        map { "\"\($0)\"" }.joined(separator: ", ")
    }
}

/// Returns the candidate nearest to a misspelled name, if one is near enough.
package func nearest(to name: String, among candidates: some Sequence<String>) -> String? {
    // Long names are not misspellings, and the work grows with the length.
    guard name.utf8.count <= 200 else { return nil }
    let typed = Array(name.lowercased())
    var best: (distance: Int, name: String)?
    for candidate in candidates {
        let distance = editDistance(typed, Array(candidate.lowercased()))
        if distance < best?.distance ?? .max {
            best = (distance, candidate)
        }
    }
    guard let best, best.distance <= max(1, typed.count / 3) else { return nil }
    return best.name
}

/// Returns the edit distance: insertions, deletions, substitutions, and swaps of neighbors.
private func editDistance(_ a: [Character], _ b: [Character]) -> Int {
    var beforeLast: [Int] = []
    var last = Array(0...b.count)
    for i in a.indices {
        var row = [i + 1]
        for j in b.indices {
            var cost = min(last[j + 1] + 1, row[j] + 1, last[j] + (a[i] == b[j] ? 0 : 1))
            if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] {
                cost = min(cost, beforeLast[j - 1] + 1)
            }
            row.append(cost)
        }
        (beforeLast, last) = (last, row)
    }
    return last[b.count]
}
