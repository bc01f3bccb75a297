// SPDX-License-Identifier: Apache-2.0

package import HTTPTypes
package import PBT
import PBTAPI

/// A request to Schedy's service, free of any server.
package struct SchedyRequest: Sendable {
    package var method: HTTPRequest.Method
    /// What stands after the place where the service is mounted, still encoded: `experiments/a%2Fb/`.
    package var path: Substring
    /// What stands after `?`, still encoded.
    package var query: String?
    package var headers: HTTPFields
    package var body: [UInt8]
    /// Where the service is mounted, with a slash at the end: what a client writes as its `root`.
    package var root: String

    package init(
        method: HTTPRequest.Method, path: Substring, query: String?, headers: HTTPFields, body: [UInt8], root: String
    ) {
        self.method = method
        self.path = path
        self.query = query
        self.headers = headers
        self.body = body
        self.root = root
    }
}

/// What is answered.
package struct SchedyAnswer: Sendable, Hashable {
    package var status: Int
    package var headers: HTTPFields
    package var body: [UInt8]

    /// JSON.
    init(_ value: Value, status: Int = 200, tag: String? = nil) {
        self.status = status
        headers = [.contentType: "application/json"]
        if let tag { headers[.eTag] = tag }
        body = Array(value.json.utf8)
    }

    /// Nothing to say.
    init(_ status: Int) {
        self.status = status
        headers = [:]
        body = []
    }

    /// A text that the client shows.
    init(_ failure: SchedyFailure, headers: HTTPFields = [:]) {
        status = failure.status
        self.headers = headers
        self.headers[.contentType] = "text/plain; charset=utf-8"
        body = Array(failure.text.utf8)
    }
}

/// Schedy's protocol: from method, path, headers and body to status, headers and body.
package struct SchedyService<Rows: TransactionalStore>: Sendable {
    let schedy: Schedy<Rows>
    private let tokens: SchedyTokens
    private let authority: (any SchedyAuthority)?

    /// - Parameters:
    ///   - schedy: What is asked for.
    ///   - tokens: The short-lived tokens that clients get.
    ///   - authority: Who knows the API tokens; none: everybody may do everything.
    package init(_ schedy: Schedy<Rows>, tokens: SchedyTokens, authority: (any SchedyAuthority)?) {
        self.schedy = schedy
        self.tokens = tokens
        self.authority = authority
    }

    /// Answers a request.
    package func answer(_ request: SchedyRequest) async -> SchedyAnswer {
        do {
            return try await answered(request)
        } catch let refusal as Refusal {
            return SchedyAnswer(refusal.failure, headers: refusal.headers)
        } catch {
            return SchedyAnswer(SchedyFailure(error))
        }
    }

    private struct Refusal: Error {
        let failure: SchedyFailure
        let headers: HTTPFields
    }

    private func answered(_ request: SchedyRequest) async throws -> SchedyAnswer {
        var path: [String] = []
        for segment in request.path.split(separator: "/", omittingEmptySubsequences: true) {
            guard let name = PathSegment.decode(segment) else {
                throw SchedyFailure(
                    400, "the path is not well encoded: every % needs two digits, and all must be UTF-8")
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
            return SchedyAnswer(try await schedy.experiments(from: start(request)))
        case ("experiments", 2): return try await experiment(path[1], request)
        case ("experiments", 3) where path[2] == "jobs": return try await jobs(of: path[1], request)
        case ("experiments", 3) where path[2] == "nextjob":
            try allow([.get], request)
            try await authorize(request, .work)
            guard let job = try await schedy.nextJob(of: path[1]) else { return SchedyAnswer(204) }
            return SchedyAnswer(job.value, tag: job.tag)
        case ("experiments", 4) where path[2] == "jobs": return try await job(path[3], of: path[1], request)
        default: throw SchedyFailure(404, "there is nothing at \"\(String(request.path.prefix(80)))\"")
        }
    }

    // MARK: Who asks

    private func signIn(_ request: SchedyRequest) async throws -> SchedyAnswer {
        let body = try json(request)
        guard let email = body["email"]?.string, let token = body["token"]?.string else {
            throw SchedyFailure(400, "\"email\" and \"token\" must be text")
        }
        guard let authority else { return issued(SchedyHolder(id: email, scope: .admin), email) }
        guard let holder = try await authority.holder(of: token, email: email) else {
            throw SchedyFailure(
                403, "email or token is wrong, or the token was revoked; make one with: pbt token create")
        }
        return issued(holder, email)
    }

    private func issued(_ holder: SchedyHolder, _ email: String) -> SchedyAnswer {
        let (token, expires) = tokens.issue(holder, email: email)
        return noStore(SchedyAnswer(["token": .string(token), "expiresAt": .integer(expires)]))
    }

    private func reset(_ request: SchedyRequest) async throws -> SchedyAnswer {
        let (holder, email) = try await authorize(request, .read)
        let token = try await authority?.reset(holder) ?? ""
        return noStore(
            SchedyAnswer([
                "root": .string(request.root), "email": .string(email), "token_type": "api_token",
                "token": .string(token),
            ]))
    }

    private func noStore(_ answer: SchedyAnswer) -> SchedyAnswer {
        var answer = answer
        answer.headers[.cacheControl] = "no-store"
        return answer
    }

    /// Who asks, if they may do that.
    @discardableResult
    private func authorize(
        _ request: SchedyRequest, _ needed: SchedyHolder.Scope
    ) async throws -> (holder: SchedyHolder, email: String) {
        let given = request.headers[.authorization] ?? ""
        let bearer = given.prefix(7).lowercased() == "bearer " ? given.dropFirst(7) : ""
        let said = tokens.read(bearer)
        guard let authority else {
            return (SchedyHolder(id: said?.id ?? "", scope: .admin), said?.email ?? "")
        }
        guard let said, let holder = try await authority.holder(named: said.id) else {
            throw Refusal(
                failure: SchedyFailure(401, "the token is missing, unknown or has expired; get one with POST token/"),
                headers: [.wwwAuthenticate: "Bearer"])
        }
        guard holder.scope >= needed else {
            throw SchedyFailure(403, "this needs a token with the scope \(needed), yours has \(holder.scope)")
        }
        return (holder, said.email)
    }

    // MARK: Experiments and jobs

    private func experiment(_ name: String, _ request: SchedyRequest) async throws -> SchedyAnswer {
        try allow([.get, .put, .delete], request)
        switch request.method {
        case .put:
            try await authorize(request, .admin)
            let mustBeNew = try condition(request) == .isNew
            let (experiment, isNew) = try await schedy.put(name, json(request), mustBeNew: mustBeNew)
            return SchedyAnswer(experiment, status: isNew ? 201 : 200)
        case .delete:
            try await authorize(request, .admin)
            try await schedy.delete(name, mustExist: condition(request) == .exists)
            return SchedyAnswer(204)
        default:
            try await authorize(request, .read)
            return SchedyAnswer(try await schedy.experiment(name))
        }
    }

    private func jobs(of name: String, _ request: SchedyRequest) async throws -> SchedyAnswer {
        try allow([.get, .post], request)
        guard request.method == .post else {
            try await authorize(request, .read)
            return SchedyAnswer(try await schedy.jobs(of: name, from: start(request)))
        }
        try await authorize(request, .work)
        let job = try await schedy.add(SchedyJobContent(json(request)), to: name)
        return SchedyAnswer(job.value, status: 201, tag: job.tag)
    }

    private func job(_ id: String, of name: String, _ request: SchedyRequest) async throws -> SchedyAnswer {
        try allow([.get, .put, .delete], request)
        switch request.method {
        case .put:
            try await authorize(request, .work)
            let (job, isNew) = try await schedy.put(
                id, of: name, SchedyJobContent(json(request)), if: condition(request))
            return SchedyAnswer(job.value, status: isNew ? 201 : 200, tag: job.tag)
        case .delete:
            try await authorize(request, .admin)
            try await schedy.delete(id, of: name, if: condition(request))
            return SchedyAnswer(204)
        default:
            try await authorize(request, .read)
            let job = try await schedy.job(id, of: name)
            return SchedyAnswer(job.value, tag: job.tag)
        }
    }

    // MARK: Requests

    private func allow(_ methods: [HTTPRequest.Method], _ request: SchedyRequest) throws {
        guard !methods.contains(request.method) else { return }
        throw Refusal(
            failure: SchedyFailure(405, "\(request.method.rawValue.prefix(20)) has no meaning here"),
            headers: [.allow: methods.map(\.rawValue).joined(separator: ", ")])
    }

    /// What `If-Match` and `If-None-Match` ask for.
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
        for pair in (request.query ?? "").split(separator: "&") where pair.hasPrefix("start=") {
            guard let start = PathSegment.decode(pair.dropFirst("start=".count)) else {
                throw SchedyFailure(400, "\"start\" is not well encoded")
            }
            return start
        }
        return nil
    }

    private func json(_ request: SchedyRequest) throws -> Value {
        guard !request.body.isEmpty else { return [:] }
        do {
            return try Value(json: request.body)
        } catch {
            throw SchedyFailure(400, "the body is no JSON: \(error)")
        }
    }
}
