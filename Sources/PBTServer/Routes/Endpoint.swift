// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import PBT
import PBTHTTP

/// An operation of the API: its method and path, the scope it needs, its parameters and responses, and its handler.
///
/// Routing and the OpenAPI document come from the same list of these.
struct Endpoint: Routable {
    /// A parameter in path, query or header.
    struct Parameter: Sendable {
        var name: String
        var place: String
        var schema: Value
        var text: String
    }

    /// A response of the endpoint.
    struct Answer: Sendable {
        var status: Int
        var type: String?
        var schema: Value?
        var text: String
    }

    var method: HTTPRequest.Method
    /// The path, with placeholders: `/api/v1/experiments/{experiment}`; `{path+}` takes the rest.
    var path: String
    /// The scope that the caller needs; nil for an endpoint without authentication.
    var scope: Scope?
    var summary: String
    var parameters: [Parameter] = []
    /// The body's schema, and its media type.
    var body: (schema: Value, type: String)?
    var answers: [Answer]
    /// The status codes of its errors, other than those of every endpoint.
    var problems: [Int] = []
    var handle: @Sendable (Call) async throws -> Reply
}
