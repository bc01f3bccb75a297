// SPDX-License-Identifier: Apache-2.0

/// A division of members into parts of equal size; with a remainder the first ones have one more.
package struct Division: Sendable, Hashable {
    /// The number of members.
    package let members: Int
    /// The number of parts; at least 1.
    package let count: Int
    /// True if the members are dealt to the parts in turn, false if each part has consecutive ones.
    package let isInterleaved: Bool

    package init(members: Int, count: Int, isInterleaved: Bool) {
        self.members = max(0, members)
        self.count = max(1, count)
        self.isInterleaved = isInterleaved
    }

    /// Returns the number of the part that a member belongs to.
    ///
    /// Members that came later are dealt on, or belong to the last of consecutive parts.
    package func number(of member: Int) -> Int {
        if isInterleaved { return member % count }
        let (size, larger) = members.quotientAndRemainder(dividingBy: count)
        guard member < members else { return count - 1 }
        let first = larger * (size + 1)
        return member < first ? member / (size + 1) : larger + (member - first) / size
    }

    /// Returns the members of a part, in order.
    ///
    /// - Parameters:
    ///   - number: The part.
    ///   - size: The number of members that exist; those from it on are left out.
    /// - Returns: The members.
    package func members(of number: Int, below size: Int = .max) -> StrideTo<Int> {
        let existing = max(0, min(size, members))
        if isInterleaved { return stride(from: number, to: existing, by: count) }
        let (size, larger) = members.quotientAndRemainder(dividingBy: count)
        let start = number * size + min(number, larger)
        return stride(from: start, to: min(existing, start + size + (number < larger ? 1 : 0)), by: 1)
    }

    /// Returns the number of members of a part, without those from a number on.
    package func size(of number: Int, below size: Int = .max) -> Int {
        let existing = max(0, min(size, members))
        if isInterleaved { return number < existing ? (existing - number - 1) / count + 1 : 0 }
        let (size, larger) = members.quotientAndRemainder(dividingBy: count)
        let start = number * size + min(number, larger)
        return max(0, min(existing, start + size + (number < larger ? 1 : 0)) - start)
    }
}
