// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Synchronization

/// Notices that the other end of a connection went away, while nothing is read from it.
///
/// A claim must not be made for a worker that has hung up: its interval would be lost until the lease runs out.
final class HangUp: ChannelInboundHandler, RemovableChannelHandler, Sendable {
    typealias InboundIn = Any
    typealias InboundOut = Any

    private struct State {
        var isGone = false
        var last = 0
        var listeners: [Int: @Sendable () -> Void] = [:]
    }

    private let state = Mutex(State())

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is PipelineGate.InputEnded || event as? ChannelEvent == .inputClosed { leave() }
        context.fireUserInboundEventTriggered(event)
    }

    func channelInactive(context: ChannelHandlerContext) {
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

    /// Calls something once when the other end goes away; at once when it has gone.
    func onLeave(_ listener: @escaping @Sendable () -> Void) {
        let isGone = state.withLock { state in
            guard !state.isGone else { return true }
            state.last += 1
            state.listeners[state.last] = listener
            return false
        }
        if isGone { listener() }
    }

    /// Does something until it is over, or the other end went away.
    ///
    /// - Throws: What `body` throws; `CancellationError` when the other end went away.
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
