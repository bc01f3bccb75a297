// SPDX-License-Identifier: Apache-2.0

package import HTTPTypes
package import PBT
import PBTAPI

/// A request to Schedy's service, independent of the server.
package struct SchedyRequest: Sendable {
    package var method: HTTPRequest.Method
    /// The path below the mount with the query, percent-encoded: `experiments/a%2Fb/jobs/?start=0`.
    package var target: String
    package var headers: HTTPFields
    package var body: [UInt8]
    /// The URL of the mount with a slash at its end, which clients have as their `root`.
    package var root: String

    package init(
        method: HTTPRequest.Method, target: String, headers: HTTPFields, body: [UInt8], root: String
    ) {
        self.method = method
        self.target = target
        self.headers = headers
        self.body = body
        self.root = root
    }

    /// The path below the mount, percent-encoded.
    var path: Substring { target.prefix { $0 != "?" && $0 != "#" } }
}

/// A response of Schedy's service.
package struct SchedyResponse: Sendable, Hashable {
    package var status: Int
    package var headers: HTTPFields
    package var body: [UInt8]

    /// A response with JSON.
    init(_ value: Value, status: Int = 200, tag: String? = nil) {
        self.status = status
        headers = [.contentType: "application/json"]
        if let tag { headers[.eTag] = tag }
        // The client's parser, Python's, reads NaN where it wrote NaN, so that its code can compute with it.
        body = Array(value.jsonWithNaN.utf8)
    }

    /// A response without a body.
    init(_ status: Int) {
        self.status = status
        headers = [:]
        body = []
    }

    /// An error response, whose message the client shows.
    init(_ failure: SchedyFailure, headers: HTTPFields = [:]) {
        status = failure.status
        self.headers = headers
        self.headers[.contentType] = "text/plain; charset=utf-8"
        body = Array(failure.text.utf8)
    }
}

/// Schedy's protocol: routing, authentication, and the format of requests and responses.
package struct SchedyService<Rows: TransactionalStore>: Sendable {
    let schedy: Schedy<Rows>
    private let tokens: SchedyTokens
    private let authority: (any SchedyAuthority)?

    /// The protocol over a service.
    ///
    /// - Parameters:
    ///   - schedy: The service.
    ///   - tokens: The short-lived tokens that clients get.
    ///   - authority: The API tokens; nil to permit everything without a token.
    package init(_ schedy: Schedy<Rows>, tokens: SchedyTokens, authority: (any SchedyAuthority)?) {
        self.schedy = schedy
        self.tokens = tokens
        self.authority = authority
    }

    /// Returns the response to a request; errors become responses too.
    package func respond(to request: SchedyRequest) async -> SchedyResponse {
        do {
            return try await response(to: request)
        } catch let refusal as Refusal {
            return SchedyResponse(refusal.failure, headers: refusal.headers)
        } catch {
            return SchedyResponse(SchedyFailure(error))
        }
    }

    private struct Refusal: Error {
        let failure: SchedyFailure
        let headers: HTTPFields
    }

    private func response(to request: SchedyRequest) async throws -> SchedyResponse {
        var path: [String] = []
        for segment in request.path.split(separator: "/", omittingEmptySubsequences: true) {
            guard let name = PathSegment.decode(segment) else {
                throw SchedyFailure(
                    400, "the path is not percent-encoded UTF-8")
            }
            path.append(name)
        }
        switch (path.first, path.count) {
        case ("token", 1), ("passauth", 1):
            try allow([.post], request)
            return try await signIn(request)
        case ("resettoken", 1):
            try allow([.post], request)
            return try await reset(request)
        case ("experiments", 1):
            try allow([.get], request)
            try await authorize(request, .read)
            return SchedyResponse(try await schedy.experiments(from: start(request)))
        case ("experiments", 2): return try await experiment(path[1], request)
        case ("experiments", 3) where path[2] == "jobs": return try await jobs(of: path[1], request)
        case ("experiments", 3) where path[2] == "nextjob":
            try allow([.get], request)
            try await authorize(request, .work)
            guard let job = try await schedy.nextJob(of: path[1]) else { return SchedyResponse(204) }
            return SchedyResponse(job.value, tag: job.tag)
        case ("experiments", 4) where path[2] == "jobs": return try await job(path[3], of: path[1], request)
        default: throw SchedyFailure(404, "not found: \"\(String(request.path.prefix(80)))\"")
        }
    }

    // MARK: Authentication

    private func signIn(_ request: SchedyRequest) async throws -> SchedyResponse {
        let body = try json(request)
        guard let email = body["email"]?.string, let token = body["token"]?.string else {
            throw SchedyFailure(400, "\"email\" and \"token\" must be strings")
        }
        guard let authority else {
            return try await issued(SchedyHolder(id: email, scope: .admin), email)
        }
        guard let holder = try await authority.holder(of: token, email: email) else {
            throw SchedyFailure(
                403, "wrong email or token, or the token was revoked; create one with: pbt token create")
        }
        return try await issued(holder, email)
    }

    private func issued(_ holder: SchedyHolder, _ email: String) async throws -> SchedyResponse {
        let (token, expires) = try await tokens.issue(holder, email: email)
        return noStore(SchedyResponse(["token": .string(token), "expiresAt": .integer(expires)]))
    }

    /// Replaces the caller's API token.
    ///
    /// The client overwrites its configuration with any success, whatever it holds, so there is none without a new token.
    private func reset(_ request: SchedyRequest) async throws -> SchedyResponse {
        let (holder, email) = try await authorize(request, .read)
        guard let authority else {
            throw SchedyFailure(
                409,
                "this server requires no token, so it issues none; your configuration is unchanged. With tokens: "
                    + "pbt serve --schedy --tokens")
        }
        let token = try await authority.reset(holder)
        return noStore(
            SchedyResponse([
                "root": .string(request.root), "email": .string(email), "token_type": "api_token",
                "token": .string(token),
            ]))
    }

    private func noStore(_ response: SchedyResponse) -> SchedyResponse {
        var response = response
        response.headers[.cacheControl] = "no-store"
        return response
    }

    /// Returns the authenticated caller.
    ///
    /// - Throws: An error with status 401 without a valid token, 403 for one with a lower scope.
    @discardableResult
    private func authorize(
        _ request: SchedyRequest, _ needed: SchedyHolder.Scope
    ) async throws -> (holder: SchedyHolder, email: String) {
        let given = request.headers[.authorization] ?? ""
        let bearer = given.prefix(7).lowercased() == "bearer " ? given.dropFirst(7) : ""
        let claims = try await tokens.read(bearer)
        guard let authority else {
            return (SchedyHolder(id: claims?.id ?? "", scope: .admin), claims?.email ?? "")
        }
        guard let claims, let holder = try await authority.holder(named: claims.id) else {
            throw Refusal(
                failure: SchedyFailure(401, "the token is missing, unknown or expired; get one with POST token/"),
                headers: [.wwwAuthenticate: "Bearer"])
        }
        guard holder.scope >= needed else {
            throw SchedyFailure(403, "this requires a token with the scope \(needed), yours has \(holder.scope)")
        }
        return (holder, claims.email)
    }

    // MARK: Experiments and jobs

    private func experiment(_ name: String, _ request: SchedyRequest) async throws -> SchedyResponse {
        try allow([.get, .put, .delete], request)
        switch request.method {
        case .put:
            try await authorize(request, .admin)
            let mustBeNew = try condition(request) == .isNew
            let (experiment, isNew) = try await schedy.put(name, json(request), mustBeNew: mustBeNew)
            return SchedyResponse(experiment, status: isNew ? 201 : 200)
        case .delete:
            try await authorize(request, .admin)
            try await schedy.delete(name, mustExist: condition(request) == .exists)
            return SchedyResponse(204)
        default:
            try await authorize(request, .read)
            return SchedyResponse(try await schedy.experiment(name))
        }
    }

    private func jobs(of name: String, _ request: SchedyRequest) async throws -> SchedyResponse {
        try allow([.get, .post], request)
        guard request.method == .post else {
            try await authorize(request, .read)
            return SchedyResponse(try await schedy.jobs(of: name, from: start(request)))
        }
        try await authorize(request, .work)
        let job = try await schedy.add(SchedyJobContent(json(request)), to: name)
        return SchedyResponse(job.value, status: 201, tag: job.tag)
    }

    private func job(_ id: String, of name: String, _ request: SchedyRequest) async throws -> SchedyResponse {
        try allow([.get, .put, .delete], request)
        switch request.method {
        case .put:
            try await authorize(request, .work)
            let (job, isNew) = try await schedy.put(
                id, of: name, SchedyJobContent(json(request)), if: condition(request))
            return SchedyResponse(job.value, status: isNew ? 201 : 200, tag: job.tag)
        case .delete:
            try await authorize(request, .admin)
            try await schedy.delete(id, of: name, if: condition(request))
            return SchedyResponse(204)
        default:
            try await authorize(request, .read)
            let job = try await schedy.job(id, of: name)
            return SchedyResponse(job.value, tag: job.tag)
        }
    }

    // MARK: Requests

    private func allow(_ methods: [HTTPRequest.Method], _ request: SchedyRequest) throws {
        guard !methods.contains(request.method) else { return }
        throw Refusal(
            failure: SchedyFailure(405, "method not allowed: \(request.method.rawValue.prefix(20))"),
            headers: [.allow: methods.map(\.rawValue).joined(separator: ", ")])
    }

    /// Returns the precondition of the fields `If-Match` and `If-None-Match`.
    private func condition(_ request: SchedyRequest) throws -> SchedyCondition {
        if let none = request.headers[.ifNoneMatch] {
            guard Self.trimmed(none) == "*" else { throw SchedyFailure(400, "If-None-Match must be *") }
            return .isNew
        }
        guard let match = request.headers[.ifMatch].map(Self.trimmed), !match.isEmpty else { return .none }
        if match == "*" { return .exists }
        return .version(
            match.split(separator: ",").map { tag in
                let tag = Self.trimmed(tag)
                let strong = tag.hasPrefix("W/") ? String(tag.dropFirst(2)) : tag
                return strong.hasPrefix("\"") ? strong : "\"\(strong)\""
            })
    }

    private static func trimmed(_ text: some StringProtocol) -> String {
        var text = Substring(text)
        while text.first == " " || text.first == "\t" { text.removeFirst() }
        while text.last == " " || text.last == "\t" { text.removeLast() }
        return String(text)
    }

    private func start(_ request: SchedyRequest) throws -> String? {
        try Query.fields(of: request.target)["start"]
    }

    private func json(_ request: SchedyRequest) throws -> Value {
        guard !request.body.isEmpty else { return [:] }
        do {
            return try Value(json: request.body)
        } catch {
            throw SchedyFailure(400, "the body is not valid JSON: \(error)")
        }
    }
}
