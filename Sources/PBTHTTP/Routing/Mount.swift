// SPDX-License-Identifier: Apache-2.0

package import HummingbirdCore
package import PBTAPI

/// Something that responds to a part of a server's requests: the API, the dashboard, Schedy's protocol.
///
/// A request is offered to the mounts in order, and the first that has a route for it responds.
package protocol Mount: Sendable {
    /// Finds the route of a request.
    ///
    /// - Parameters:
    ///   - request: The request; its body has not been read.
    ///   - path: The path as it was sent: percent-encoded, without a query.
    /// - Returns: The route; nil when the request is not for this mount.
    func route(_ request: Request, path: Substring) -> MountedRoute?

    /// Tells clients that the server shuts down for good, and waits until they have let go.
    ///
    /// - Parameter time: The longest wait.
    func announceShutdown(within time: Duration) async
}

extension Mount {
    package func announceShutdown(within time: Duration) async {}
}

/// A mount's route for one request.
package struct MountedRoute: Sendable {
    /// The name of the route in metrics and logs: a path with placeholders, of which there are few.
    package let name: String
    /// Responds to the request.
    package let respond: @Sendable (Request, ConnectionContext) async throws -> Reply
    /// Renders an error; nil for JSON (RFC 9457).
    package let render: (@Sendable (Problem, Request, ConnectionContext) async -> Reply)?

    /// Creates a route for one request.
    package init(
        name: String, respond: @escaping @Sendable (Request, ConnectionContext) async throws -> Reply,
        render: (@Sendable (Problem, Request, ConnectionContext) async -> Reply)? = nil
    ) {
        self.name = name
        self.respond = respond
        self.render = render
    }
}
