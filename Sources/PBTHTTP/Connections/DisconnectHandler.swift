// SPDX-License-Identifier: Apache-2.0

package import NIOCore
import Synchronization

/// Notices that the client of a connection disconnected, while nothing is read from it.
///
/// A claim must not be made for a worker that has disconnected: its interval would be lost until the lease expires.
package final class DisconnectHandler: ChannelInboundHandler, RemovableChannelHandler, Sendable {
    package typealias InboundIn = Any
    package typealias InboundOut = Any

    private struct State {
        var isGone = false
        var last = 0
        var listeners: [Int: @Sendable () -> Void] = [:]
    }

    private let state = Mutex(State())

    package func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is PipelineGate.InputEnded || event as? ChannelEvent == .inputClosed { leave() }
        context.fireUserInboundEventTriggered(event)
    }

    package func channelInactive(context: ChannelHandlerContext) {
        leave()
        context.fireChannelInactive()
    }

    private func leave() {
        let listeners = state.withLock { state in
            state.isGone = true
            defer { state.listeners = [:] }
            return Array(state.listeners.values)
        }
        for listener in listeners { listener() }
    }

    /// Calls `listener` once when the client disconnects; immediately when it has.
    package func onDisconnect(_ listener: @escaping @Sendable () -> Void) {
        let isGone = state.withLock { state in
            guard !state.isGone else { return true }
            state.last += 1
            state.listeners[state.last] = listener
            return false
        }
        if isGone { listener() }
    }

    /// Runs `body` until it returns or the client disconnects.
    ///
    /// - Throws: What `body` throws; `CancellationError` when the client disconnected.
    func canceling(_ body: @escaping @Sendable () async throws -> Void) async throws {
        let task = Task { try await body() }
        let id = state.withLock { state -> Int? in
            guard !state.isGone else { return nil }
            state.last += 1
            state.listeners[state.last] = { task.cancel() }
            return state.last
        }
        if id == nil { task.cancel() }
        defer { if let id { state.withLock { $0.listeners[id] = nil } } }
        try await withTaskCancellationHandler {
            try await task.value
        } onCancel: {
            task.cancel()
        }
    }
}
