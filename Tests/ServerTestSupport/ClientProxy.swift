// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOPosix
import PBT
import Synchronization

/// A bad network between a client and a server: passes bytes on, and breaks connections as it is told.
package final class Proxy: Sendable {
    /// When a connection breaks.
    package struct Faults: Sendable {
        /// Each so many answers, one is thrown away with its connection: the server has done what it was asked.
        package var lostAnswer: Int?
        /// The share of answers that are thrown away so, drawn at random.
        package var loss: Double?
        /// A connection breaks once it carried so many bytes from the client.
        package var mostUp: Int?
        /// A connection breaks once it carried so many bytes to the client.
        package var mostDown: Int?

        package init(lostAnswer: Int? = nil, loss: Double? = nil, mostUp: Int? = nil, mostDown: Int? = nil) {
            self.lostAnswer = lostAnswer
            self.loss = loss
            self.mostUp = mostUp
            self.mostDown = mostDown
        }
    }

    /// What it carried.
    package struct Traffic: Sendable {
        package var up = 0
        package var down = 0
        package var connections = 0
        package var answers = 0
        package var broken = 0
    }

    /// Where it listens.
    package let port: Int
    private let target: Int
    private let faults: Faults
    private let state = Mutex(Traffic())
    private let random = Mutex(Xoshiro256(seed: 1))

    private init(port: Int, target: Int, faults: Faults) {
        self.port = port
        self.target = target
        self.faults = faults
    }

    /// What it carried until now.
    package var traffic: Traffic {
        state.withLock { $0 }
    }

    /// Runs a proxy in front of a server on this machine while the body runs.
    package static func with<Result: Sendable>(
        _ faults: Faults, to target: Int, _ body: @Sendable (Proxy) async throws -> Result
    ) async throws -> Result {
        let server = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            // Nothing is read before somebody listens. A connection that comes just when the proxy ends is a channel that
            // nobody takes, not an asynchronous one, which must not be dropped.
            .childChannelOption(.autoRead, value: false)
            .bind(host: "127.0.0.1", port: 0) { $0.eventLoop.makeSucceededFuture($0) }
        let proxy = Proxy(port: server.channel.localAddress?.port ?? 0, target: target, faults: faults)
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await server.executeThenClose { clients in
                    try await withThrowingDiscardingTaskGroup { connections in
                        for try await client in clients {
                            connections.addTask { await proxy.serve(client) }
                        }
                    }
                }
            }
            let result = try await body(proxy)
            group.cancelAll()
            do { try await group.waitForAll() } catch is CancellationError {}
            return result
        }
    }

    private struct Break: Error {}

    private func serve(_ channel: any Channel) async {
        state.withLock { $0.connections += 1 }
        do {
            let client = try await channel.eventLoop.submit {
                try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
            }.get()
            try await client.executeThenClose { fromClient, toClient in
                try await channel.setOption(.autoRead, value: true).get()
                let backend = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
                    .connect(host: "127.0.0.1", port: target) { channel in
                        channel.eventLoop.makeCompletedFuture {
                            try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                        }
                    }
                try await backend.executeThenClose { fromServer, toServer in
                    try await withThrowingTaskGroup(of: Void.self) { group in
                        group.addTask { try await self.up(fromClient, toServer) }
                        group.addTask { try await self.down(fromServer, toClient) }
                        // Whichever ends first ends both.
                        _ = try await group.next()
                        group.cancelAll()
                    }
                }
            }
        } catch {
            // A broken connection is what this is for; the client sees it.
            state.withLock { $0.broken += 1 }
        }
    }

    private func up(
        _ client: NIOAsyncChannelInboundStream<ByteBuffer>, _ server: NIOAsyncChannelOutboundWriter<ByteBuffer>
    ) async throws {
        var carried = 0
        for try await bytes in client {
            carried += bytes.readableBytes
            state.withLock { $0.up += bytes.readableBytes }
            try await server.write(bytes)
            if let most = faults.mostUp, carried > most { throw Break() }
        }
    }

    private func down(
        _ server: NIOAsyncChannelInboundStream<ByteBuffer>, _ client: NIOAsyncChannelOutboundWriter<ByteBuffer>
    ) async throws {
        var carried = 0
        for try await bytes in server {
            if bytes.readableBytesView.starts(with: Array("HTTP/1.1 ".utf8)) {
                let answers = state.withLock { state in
                    state.answers += 1
                    return state.answers
                }
                if let each = faults.lostAnswer, answers.isMultiple(of: each) { throw Break() }
                if let loss = faults.loss, random.withLock({ Double.random(in: 0..<1, using: &$0) }) < loss {
                    throw Break()
                }
            }
            carried += bytes.readableBytes
            state.withLock { $0.down += bytes.readableBytes }
            try await client.write(bytes)
            if let most = faults.mostDown, carried > most { throw Break() }
        }
    }
}
