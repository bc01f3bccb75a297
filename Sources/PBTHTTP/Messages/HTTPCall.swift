// SPDX-License-Identifier: Apache-2.0

package import HummingbirdCore
package import NIOCore
import PBT
import PBTAPI
import ServiceLifecycle

/// A request that found its route.
///
/// `Context` is shared by all routes of a table: the API's and the dashboard's is the server's.
package struct HTTPCall<Context: Sendable>: Sendable {
    /// The request itself.
    package let request: Request
    /// The decoded values of the path's placeholders.
    package let path: [String: String]
    /// The decoded query; of a repeated name the last.
    package let query: [String: String]
    /// The authenticated caller.
    package let caller: Caller
    /// The connection.
    package let connection: ConnectionContext
    /// The context of all routes of the table.
    package let context: Context

    /// Creates a call from a request and the placeholders' values.
    ///
    /// - Throws: A ``Problem`` with status 414 for a URL longer than 8192 bytes; a `PBTError` with code `badRequest` for
    ///   a query that is not percent-encoded UTF-8.
    package init(
        _ request: Request, path: [String: String] = [:], caller: Caller, on connection: ConnectionContext,
        in context: Context
    ) throws {
        guard request.uri.string.utf8.count <= 8192 else {
            throw Problem(414, "tooLarge", "the URL is longer than 8192 bytes")
        }
        self.request = request
        self.path = path
        query = try Query.fields(of: request.uri.string)
        self.caller = caller
        self.connection = connection
        self.context = context
    }

    private init(_ other: Self, caller: Caller) {
        (request, path, query) = (other.request, other.path, other.query)
        (connection, context) = (other.connection, other.context)
        self.caller = caller
    }

    /// Returns the same call, made by another caller.
    package func by(_ caller: Caller) -> Self {
        Self(self, caller: caller)
    }

    /// The channel of the connection.
    package var channel: any Channel { connection.channel }

    /// A value of the path; the route promises that it is there.
    package subscript(name: String) -> String {
        guard let value = path[name] else { preconditionFailure("the route's path has no {\(name)}") }
        return value
    }

    /// Returns an integer of the query; nil without one.
    ///
    /// - Throws: A `PBTError` with code `badRequest`.
    package func number(_ name: String, in range: ClosedRange<Int>) throws -> Int? {
        guard let text = query[name] else { return nil }
        guard let number = Int(text), range.contains(number) else {
            throw PBTError(
                .badRequest,
                "?\(name)= must be an integer between \(range.lowerBound) and \(range.upperBound), not \"\(text.prefix(40))\""
            )
        }
        return number
    }

    /// Returns a number of seconds in the query; nil without one.
    ///
    /// - Throws: A `PBTError` with code `badRequest`.
    package func seconds(_ name: String, in range: ClosedRange<Double>) throws -> Duration? {
        guard let text = query[name] else { return nil }
        guard let number = Double(text), range.contains(number) else {
            throw PBTError(
                .badRequest,
                "?\(name)= must be a number of seconds between \(Int(range.lowerBound)) and \(Int(range.upperBound)), "
                    + "not \"\(text.prefix(40))\"")
        }
        return .milliseconds(Int64(number * 1000))
    }

    /// Runs `body` until it returns, the client disconnects, or the server shuts down.
    ///
    /// - Throws: What `body` throws; `CancellationError` when the client disconnected.
    package func whileConnected(_ body: @escaping @Sendable () async throws -> Void) async throws {
        do {
            guard let disconnects = try? await channel.pipeline.handler(type: DisconnectHandler.self).get() else {
                // The connection is closed already.
                throw CancellationError()
            }
            try await disconnects.canceling { try await cancelWhenGracefulShutdown(body) }
        } catch is CancellationError where Task.isShuttingDownGracefully && !Task.isCancelled {
            // The caller reads once more, and responds.
        }
    }

    /// Waits until the client disconnects, or the server shuts down.
    package func untilDisconnect() async throws {
        do {
            try await whileConnected {
                while true { try await Task.sleep(for: .seconds(60)) }
            }
        } catch is CancellationError where !Task.isCancelled {
            // That is what was waited for.
        }
    }
}
