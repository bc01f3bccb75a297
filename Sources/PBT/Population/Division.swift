// SPDX-License-Identifier: Apache-2.0

/// A division of members into contiguous parts of equal size; with a remainder the first ones have one more.
package struct Division: Sendable, Hashable {
    /// The number of members.
    package let members: Int
    /// The number of parts; at least 1.
    package let count: Int

    package init(members: Int, count: Int) {
        self.members = max(0, members)
        self.count = max(1, count)
    }

    /// Returns the number of the part that a member belongs to; the last one for members that came later.
    package func number(of member: Int) -> Int {
        let (size, larger) = members.quotientAndRemainder(dividingBy: count)
        guard member < members else { return count - 1 }
        let first = larger * (size + 1)
        return member < first ? member / (size + 1) : larger + (member - first) / size
    }

    /// Returns the members of a part.
    package func members(of number: Int) -> Range<Int> {
        let (size, larger) = members.quotientAndRemainder(dividingBy: count)
        let start = number * size + min(number, larger)
        return start..<(start + size + (number < larger ? 1 : 0))
    }
}
