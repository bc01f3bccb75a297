// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import PBT

/// MEMBER@INTERVAL on the command line, or MEMBER alone.
struct IntervalArgument: ExpressibleByArgument {
    /// The member, from 0.
    var member: Int
    /// The interval's index, if one was given.
    var index: Int?

    /// Parses `3@7` or `3`.
    init?(argument: String) {
        if let id = IntervalID(argument) {
            (member, index) = (id.member, id.index)
        } else if let number = Int(argument), number >= 0 {
            (member, index) = (number, nil)
        } else {
            return nil
        }
    }

    /// Returns the interval.
    ///
    /// - Throws: A ``Failure`` when only a member was given.
    func interval() throws -> IntervalID {
        guard let index else {
            throw Failure(
                .usage, "\"\(member)\" names a member; name an interval of it: \(member)@INDEX, for example \(member)@0"
            )
        }
        return IntervalID(member: member, index: index)
    }
}
