// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import PBT

/// The OpenAPI 3.1 document, made from the list of endpoints.
enum OpenAPI {
    /// The document.
    ///
    /// - Parameters:
    ///   - endpoints: What it describes.
    ///   - version: The version that the server says it has.
    ///   - needsToken: Whether the server asks for tokens.
    /// - Returns: The document.
    static func document(of endpoints: [Endpoint], version: String, needsToken: Bool = true) -> Value {
        var paths: [String: [String: Value]] = [:]
        for endpoint in endpoints {
            paths[endpoint.path.replacing("+}", with: "}"), default: [:]][endpoint.method.rawValue.lowercased()] =
                operation(endpoint, needsToken: needsToken)
        }
        return [
            "openapi": "3.1.0",
            "info": [
                "title": "pbt", "version": .string(version),
                "license": ["name": "Apache-2.0", "identifier": "Apache-2.0"],
                "description": "Population Based Training as a service: experiments, intervals, leases, events.",
            ],
            "paths": .object(paths.mapValues { .object($0) }),
            "components": [
                "schemas": .object(Schemas.components),
                "securitySchemes": ["token": ["type": "http", "scheme": "bearer"]],
            ],
        ]
    }

    private static func operation(_ endpoint: Endpoint, needsToken: Bool) -> Value {
        var object: [String: Value] = [
            "summary": .string(endpoint.summary), "operationId": .string(identifier(of: endpoint)),
            "responses": .object(responses(endpoint)),
        ]
        if !endpoint.parameters.isEmpty {
            object["parameters"] = .array(
                endpoint.parameters.map { parameter in
                    [
                        "name": .string(parameter.name), "in": .string(parameter.place), "schema": parameter.schema,
                        "required": .bool(parameter.place == "path"), "description": .string(parameter.text),
                    ]
                })
        }
        if let (schema, type) = endpoint.body {
            let isOptional = type == "application/json" && schema["required"] == nil
            object["requestBody"] = [
                "required": .bool(!isOptional), "content": .object([type: ["schema": schema]]),
            ]
        }
        if let scope = endpoint.scope {
            if needsToken { object["security"] = [["token": []]] }
            object["description"] = .string("Scope: \(scope.rawValue).")
        }
        return .object(object)
    }

    /// `get /api/v1/experiments/{experiment}/members` becomes `getExperimentsMembers`.
    private static func identifier(of endpoint: Endpoint) -> String {
        let words = endpoint.path.split(separator: "/").filter { $0 != "api" && $0 != "v1" }.map { segment in
            segment.hasPrefix("{")
                ? "By" + segment.dropFirst().dropLast().replacing("+", with: "").capitalizedFirst
                : segment.replacing(".", with: "").capitalizedFirst
        }
        return endpoint.method.rawValue.lowercased() + words.joined()
    }

    private static func responses(_ endpoint: Endpoint) -> [String: Value] {
        var responses: [String: Value] = [:]
        for answer in endpoint.answers {
            let code = String(answer.status)
            var content = responses[code]?["content"]?.object ?? [:]
            if let type = answer.type { content[type] = answer.schema.map { ["schema": $0] } ?? [:] }
            var response: [String: Value] = [
                "description": .string(responses[code]?["description"]?.string ?? answer.text)
            ]
            if !content.isEmpty { response["content"] = .object(content) }
            responses[code] = .object(response)
        }
        var problems = endpoint.problems
        if !endpoint.parameters.isEmpty || endpoint.body != nil { problems.append(400) }
        if endpoint.body != nil { problems += [413, 415] }
        if endpoint.scope != nil { problems += [401, 403] }
        for status in problems + [429, 500, 503] {
            responses[String(status)] = [
                "description": .string(Self.descriptions[status] ?? "An error"),
                "content": ["application/problem+json": ["schema": Schemas.ref("Problem")]],
            ]
        }
        return responses
    }

    private static let descriptions = [
        400: "The request itself is wrong", 401: "A token is needed", 403: "The token's scope does not reach",
        404: "There is no such thing", 409: "The state does not allow it", 412: "It has changed meanwhile",
        413: "The body is too large", 415: "The body is of the wrong type", 416: "There are not that many bytes",
        422: "The values are wrong", 429: "Too many requests", 500: "An error of the server's own",
        503: "Not now; try again", 507: "The server's disk is full",
    ]
}

extension StringProtocol {
    fileprivate var capitalizedFirst: String {
        prefix(1).uppercased() + dropFirst()
    }
}
