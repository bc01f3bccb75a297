// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
package import HummingbirdCore
import NIOCore
package import PBT
package import PBTHTTP

/// Schedy's protocol as a mount under `/schedy/`, for the holders of the server's own tokens.
package struct SchedyMount: Mount {
    /// The path of the mount.
    static let prefix = "/schedy"
    /// The longest body; Schedy's clients may send large results.
    private static let longest = 16 << 20

    private let http: HTTPContext
    private let answer: @Sendable (SchedyRequest) async -> SchedyAnswer

    /// Creates the mount of Schedy's protocol over a store.
    ///
    /// - Parameters:
    ///   - store: The store of the experiments.
    ///   - tokens: The tokens that clients show; nil to let everybody do everything.
    ///   - settings: The service's settings.
    ///   - clock: The time for short-lived tokens.
    ///   - http: The state of the server.
    package init(
        _ store: some TransactionalStore, tokens: (any TokenStore)?, settings: SchedySettings = SchedySettings(),
        clock: StoreClock = .system, in http: HTTPContext
    ) {
        self.init(
            SchedyService(
                Schedy(store, settings: settings), tokens: SchedyTokens(clock: clock),
                authority: tokens.map { TokenAuthority(tokens: $0, clock: clock) }), in: http)
    }

    /// Creates the mount of a service.
    package init(_ service: SchedyService<some TransactionalStore>, in http: HTTPContext) {
        self.http = http
        answer = { await service.answer($0) }
    }

    package func route(_ request: Request, path: Substring) -> MountedRoute? {
        guard path.hasPrefix(Self.prefix + "/") else { return nil }
        return MountedRoute(name: Self.prefix) { request, connection in
            try http.limit?.count(connection.address)
            return try await reply(to: request)
        }
    }

    private func reply(to request: Request) async throws -> Reply {
        let string = request.uri.string
        let path = string.prefix { $0 != "?" && $0 != "#" }.dropFirst(Self.prefix.count)
        let query = string.firstIndex(of: "?").map { String(string[string.index(after: $0)...]) }
        let scheme = http.configuration.tls == nil ? "http" : "https"
        let answer = await answer(
            SchedyRequest(
                method: request.method, path: path, query: query, headers: request.headers,
                body: try await request.bytes(upTo: Self.longest),
                root: "\(scheme)://\(request.head.authority ?? "localhost")\(Self.prefix)/"))
        return Reply(
            status: .init(code: answer.status), headers: answer.headers,
            body: answer.body.isEmpty ? ResponseBody() : ResponseBody(byteBuffer: .init(bytes: answer.body)))
    }
}
