// SPDX-License-Identifier: Apache-2.0

import PBTAPI

/// An error that ends a connection before its request reaches a route.
struct ConnectionProblem: Error, CustomStringConvertible {
    let problem: Problem

    var description: String { problem.description }

    static let slow = Self(
        problem: Problem(
            408, "requestTimeout", "the request came too slowly or not at all; send it again", retryAfter: 1))

    static func invalid(_ detail: String) -> Self {
        Self(problem: Problem(400, "badRequest", detail))
    }
}
