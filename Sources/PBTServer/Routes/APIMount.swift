// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import HummingbirdCore
import PBT
import PBTAPI
import PBTHTTP

/// The API as a mount: authentication, scopes and rate limits, then the endpoint's handler.
struct APIMount: Mount {
    private static let router = Router(Endpoints.all)
    private let context: ServerContext

    init(_ context: ServerContext) {
        self.context = context
    }

    func route(_ request: Request, path: Substring) -> MountedRoute? {
        let match = Self.router.find(request.method, path)
        var name = "other"
        switch match {
        case .found(let endpoint, _): name = endpoint.path
        case .nothing where !path.hasPrefix("/api/"): return nil
        default: break
        }
        return MountedRoute(name: name) { request, connection in
            let (endpoint, path) = try match.get(for: request, hint: "not found; the API is described at /openapi.json")
            return try await respond(to: request, endpoint, path, connection)
        }
    }

    private func respond(
        to request: Request, _ endpoint: Endpoint, _ path: [String: String], _ connection: ConnectionContext
    ) async throws -> Reply {
        var caller = Caller(name: nil, scope: .read)
        if let scope = endpoint.scope {
            caller = try await context.http.access.caller(
                showing: request.headers[.authorization], from: connection.address)
            guard caller.scope >= scope else {
                throw PBTError(
                    .forbidden,
                    "the token \"\(caller.name ?? "")\" is for \(caller.scope.rawValue); this needs \(scope.rawValue): "
                        + "pbt token create NAME --scope \(scope.rawValue)")
            }
        }
        let call = try Call(request, path: path, caller: caller, on: connection, in: context)
        try context.http.limit?.count(caller.name ?? connection.address)
        return try await endpoint.handle(call)
    }
}
