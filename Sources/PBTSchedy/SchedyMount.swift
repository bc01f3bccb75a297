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
    private let respond: @Sendable (SchedyRequest) async -> SchedyResponse

    /// Creates the mount of Schedy's protocol over a store.
    ///
    /// - Parameters:
    ///   - store: The store of the experiments.
    ///   - tokens: The tokens that clients authenticate with; nil to permit everything without a token.
    ///   - settings: The service's settings.
    ///   - clock: The time for short-lived tokens.
    ///   - http: The state of the server.
    package init(
        _ store: some TransactionalStore, tokens: (any TokenStore)?, settings: SchedySettings = SchedySettings(),
        clock: StoreClock = .system, in http: HTTPContext
    ) {
        let lifetime = Duration.seconds(3600)
        let keys: any SchedyKeys = tokens.map { StoredKeys($0, lifetime: lifetime, clock: clock) } ?? ProcessKeys()
        self.init(
            SchedyService(
                Schedy(store, settings: settings),
                tokens: SchedyTokens(keys: keys, lifetime: lifetime, clock: clock),
                authority: tokens.map { TokenAuthority(tokens: $0, clock: clock) }), in: http)
    }

    /// Creates the mount of a service.
    package init(_ service: SchedyService<some TransactionalStore>, in http: HTTPContext) {
        self.http = http
        respond = { await service.respond(to: $0) }
    }

    package func route(_ request: Request, path: Substring) -> MountedRoute? {
        guard path.hasPrefix(Self.prefix + "/") else { return nil }
        return MountedRoute(name: Self.prefix) { request, connection in
            try http.limit?.count(connection.address)
            return try await reply(to: request)
        }
    }

    private func reply(to request: Request) async throws -> Reply {
        let scheme = http.configuration.tls == nil ? "http" : "https"
        let response = await respond(
            SchedyRequest(
                method: request.method, target: String(request.uri.string.dropFirst(Self.prefix.count)),
                headers: request.headers,
                body: try await request.bytes(upTo: Self.longest),
                root: "\(scheme)://\(request.head.authority ?? "localhost")\(Self.prefix)/"))
        return Reply(
            status: .init(code: response.status), headers: response.headers,
            body: response.body.isEmpty ? ResponseBody() : ResponseBody(byteBuffer: .init(bytes: response.body)))
    }
}
