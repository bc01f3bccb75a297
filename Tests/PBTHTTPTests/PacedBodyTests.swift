// SPDX-License-Identifier: Apache-2.0

import ServerTestSupport
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import Synchronization
import Testing

@testable import PBTHTTP
@testable import PBTServer

@Suite(.timeLimit(.minutes(10)))
struct PacedBodyTests {
    @Test func `a stream that is not read is made no faster than it is taken, and ends its connection`() async throws {
        let made = Mutex(0)
        let table = ConnectionTable()
        var limits = ConnectionLimits()
        limits.write = .milliseconds(200)
        let (ports, ready) = AsyncStream.makeStream(of: Int.self)
        let application = Application(
            responder: CallbackResponder<ConnectionContext> { _, context in
                let body = ResponseBody { writer in
                    while true {
                        made.withLock { $0 += 1 << 16 }
                        try await writer.write(ByteBuffer(repeating: 0, count: 1 << 16))
                    }
                }
                return Response(status: .ok, body: body.paced(by: context.channel))
            },
            server: HTTPServerBuilder { [limits] responder in
                ConnectionChannel(responder: responder, limits: limits, table: table, isSecure: false)
            },
            configuration: ApplicationConfiguration(address: .hostname("127.0.0.1", port: 0)),
            onServerRunning: { ready.yield($0.localAddress?.port ?? 0) },
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await application.run() }
            let port = try #require(await ports.first { _ in true })
            try await RawConnection.open(to: port) { _, connection in
                try await connection.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
                try await connection.untilClosed()
            }
            tasks.cancelAll()
        }
        // What the system takes for both ends, some MiB, and two pieces. Without pacing it is all that can be made.
        #expect(made.withLock(\.self) < 24 << 20)
    }
}
