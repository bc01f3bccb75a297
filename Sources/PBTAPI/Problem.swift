// SPDX-License-Identifier: Apache-2.0

package import PBT

/// An error in an HTTP response: `application/problem+json` (RFC 9457).
package struct Problem: Error, Sendable, Hashable, CustomStringConvertible {
    /// The HTTP status.
    package var status: Int
    /// The code, for programs.
    package var code: String
    /// The message, for people: the problem and the remedy.
    package var detail: String
    /// The number of seconds after which to retry, if a retry helps.
    package var retryAfter: Int?
    /// Header fields of the response, such as `Allow`.
    package var headers: [String: String] = [:]
    /// The individual problems of a definition.
    package var errors: [DocumentError] = []

    package init(_ status: Int, _ code: String, _ detail: String, retryAfter: Int? = nil) {
        self.status = status
        self.code = code
        self.detail = detail
        self.retryAfter = retryAfter
    }

    /// Creates a problem from an error, with the status for its code.
    package init(_ error: PBTError) {
        let status: Int
        var retryAfter: Int?
        switch error.code {
        case .badRequest: status = 400
        case .unauthorized: status = 401
        case .forbidden: status = 403
        case .noSuchExperiment, .noSuchInterval, .noSuchCheckpoint, .noSuchLog: status = 404
        case .alreadyExists, .changedCheckpoint, .leaseLost, .wrongState, .setAside: status = 409
        case .inProgress:
            status = 409
            retryAfter = 1
        case .preconditionFailed: status = 412
        case .badValue, .badExperiment, .noSuchStrategy: status = 422
        case .storeBusy:
            status = 503
            retryAfter = 1
        case .unusableStore, .inputOutput, .cannotTrain:
            status = 503
            retryAfter = 10
        // Errors of another server.
        case .unreachable: status = 502
        case .inconsistent: status = 500
        default: status = 500
        }
        self.init(status, error.code.name, error.message, retryAfter: retryAfter)
        errors = error.problems
    }

    /// The maximum number of problems of a definition that are sent.
    private static let mostErrors = 20

    /// The body of the response.
    package var value: Value {
        var object: [String: Value] = [
            "type": "about:blank", "title": .string(Self.titles[status] ?? "Error"), "status": .integer(status),
            "code": .string(code), "detail": .string(Self.shortened(detail)),
        ]
        if !errors.isEmpty {
            object["errors"] = .array(
                errors.prefix(Self.mostErrors).map {
                    ["path": .string(Self.shortened($0.path)), "problem": .string(Self.shortened($0.problem))]
                })
        }
        return .object(object)
    }

    /// Shortens a message, which could otherwise be as long as a request that it quotes.
    private static func shortened(_ text: String) -> String {
        text.utf8.count <= 4000 ? text : text.prefix(1000) + "…"
    }

    package var description: String {
        "\(status) \(code): \(detail)"
    }

    /// Decodes a response; one with another body is described by its status alone.
    package init(status: Int, body: [UInt8], retryAfter: Int?) {
        let value = try? Value(json: body)
        self.init(
            status, value?["code"]?.string ?? (status >= 500 ? "unreachable" : "badRequest"),
            value?["detail"]?.string ?? "the server answered \(status)", retryAfter: retryAfter)
        errors = (value?["errors"]?.array ?? []).compactMap { entry in
            guard let path = entry["path"]?.string, let problem = entry["problem"]?.string else { return nil }
            return DocumentError(line: 0, path: path, problem: problem)
        }
    }

    /// The problem as an error.
    package var error: PBTError {
        PBTError(PBTError.Code(code), detail, problems: errors)
    }

    private static let titles = [
        400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed",
        406: "Not Acceptable", 408: "Request Timeout", 409: "Conflict", 412: "Precondition Failed",
        413: "Content Too Large", 414: "URI Too Long", 415: "Unsupported Media Type", 416: "Range Not Satisfiable",
        422: "Unprocessable Content", 429: "Too Many Requests", 431: "Request Header Fields Too Large",
        500: "Internal Server Error", 502: "Bad Gateway", 503: "Service Unavailable", 507: "Insufficient Storage",
    ]
}
