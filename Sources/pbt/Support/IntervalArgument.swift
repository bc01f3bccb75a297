// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import PBT

/// MEMBER@INTERVAL on the command line, MEMBER alone, or the id of a job.
struct IntervalArgument: ExpressibleByArgument {
    /// The argument as it was given.
    let text: String
    /// The member, from 0; nil for the id of a job.
    let member: Int?
    /// The interval's index, if one was given.
    let index: Int?

    /// Parses `3@7`, `3`, or the id of a job; nil for an empty string.
    init?(argument: String) {
        guard !argument.isEmpty else { return nil }
        text = argument
        if let id = IntervalID(argument) {
            (member, index) = (id.member, id.index)
        } else {
            (member, index) = (Int(argument).flatMap { $0 >= 0 ? $0 : nil }, nil)
        }
    }

    /// Creates an argument that names an interval.
    init(_ id: IntervalID) {
        text = id.description
        (member, index) = (id.member, id.index)
    }

    /// Returns the interval.
    ///
    /// - Throws: A ``Failure`` when only a member, or the id of a job, was given.
    func interval() throws -> IntervalID {
        guard let member else { throw notAnInterval }
        guard let index else {
            throw Failure(
                .usage, "\"\(member)\" names a member; name an interval of it: \(member)@INDEX, for example \(member)@0"
            )
        }
        return IntervalID(member: member, index: index)
    }

    /// The error of a text that names nothing.
    var notAnInterval: Failure {
        Failure(
            .usage,
            "\(Value.string(String(text.prefix(60))).json) is not an interval; name MEMBER@INTERVAL, for example 3@12")
    }
}
