// SPDX-License-Identifier: Apache-2.0

import ServerTestSupport
import PBT
import PBTAPI
import PBTTesting
@testable import PBTCheckpoints
import SystemPackage
import Testing

@testable import PBTServer

@Suite(.timeLimit(.minutes(5))) struct `Every upload is answered` {
    @Test func `also one that another has superseded, whose client reads when all is sent`() async throws {
        try await Scene.with { scene in
            let size = 16 << 20
            let body = [UInt8](repeating: 0x7a, count: size)
            let head =
                "PUT /api/v1/experiments/small/uploads/\(scene.attempt)/w HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                + "Content-Type: application/octet-stream\r\nContent-Length: \(size)\r\nConnection: close\r\n\r\n"
            let answer = try await RawConnection.open(to: scene.server.port) { reader, connection in
                try await connection.send(head)
                try await connection.send(Array(body[..<(4 << 20)]))
                // Now that some of it has come: another one.
                try await untilArrived(scene)
                #expect(try await scene.send("PUT", "uploads/\(scene.attempt)/w", "short").status == 204)
                try await connection.send(Array(body[(4 << 20)...]))
                return try await reader.all()
            }
            #expect(answer.hasPrefix("HTTP/1.1 409"), "\(answer.prefix(200))")
            #expect(answer.contains("\"wrongState\""))
            #expect(answer.lowercased().contains("connection: close"))
            #expect(try await scene.send("GET", "uploads/\(scene.attempt)").text.contains("\"size\":5"))
        }
    }

    @Test func `with an error that is found before any of it is read`() async throws {
        try await Scene.with { scene in
            let size = 16 << 20
            let head =
                "PUT /api/v1/experiments/small/uploads/m0003-i0000-a1/w HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                + "Content-Type: application/octet-stream\r\nContent-Length: \(size)\r\nConnection: close\r\n\r\n"
            let answer = try await RawConnection.open(to: scene.server.port) { reader, connection in
                try await connection.send(head)
                try await connection.send([UInt8](repeating: 0x7a, count: size))
                return try await reader.all()
            }
            #expect(answer.hasPrefix("HTTP/1.1 409"), "\(answer.prefix(200))")
        }
    }

    @Test func `and one after a short one that was refused, on the same connection`() async throws {
        try await Scene.with { scene in
            @Sendable func request(_ path: String) -> String {
                "PUT /api/v1/experiments/small/uploads/\(path)/w HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                    + "Content-Type: application/octet-stream\r\nContent-Length: 5\r\n\r\nshort"
            }
            try await RawConnection.open(to: scene.server.port) { reader, connection in
                try await connection.send(request("m0003-i0000-a1") + request(scene.attempt))
                #expect(try await reader.answer().hasPrefix("HTTP/1.1 409"))
                #expect(try await reader.answer().hasPrefix("HTTP/1.1 204"))
            }
        }
    }

    @Test func `that is under way elsewhere with 409`() {
        let problem = Problem(PBTError(.inProgress, "at this moment"))
        #expect(problem.status == 409)
        #expect(problem.code == "inProgress")
        #expect(problem.retryAfter == 1)
    }

    @Test(arguments: ["w", "m0000-i0000-a1", "checkpoints"])
    func `with success only after a flush that succeeded, however often publish is repeated`(
        _ failing: String
    ) async throws {
        try await Scene.with { scene in
            #expect(try await scene.send("PUT", "uploads/\(scene.attempt)/w", "12").status == 204)
            let source = scene.root.appending("source")
            try FileSystem.makeDirectories(source)
            try write("12", to: source.appending("w"))
            var body = try Manifest(of: source).api
            body["lease"] = scene.assignment.lease.api
            let json = Value.object(body).json
            let checkpoints = scene.data.checkpoints(of: "small")
            let probe = FlushProbe(below: scene.data.root) {
                $0.lastComponent?.string == failing ? Errno.ioError.rawValue : nil
            }
            try await probe.watching {
                for _ in 0..<3 {
                    let answer = try await scene.send("POST", "uploads/\(scene.attempt)/publish", json)
                    #expect([422, 503].contains(answer.status), "\(answer)")
                    #expect(try names(checkpoints) == [])
                }
            }
            // What the failed flush may have lost is sent once more.
            #expect(try await scene.send("POST", "uploads/\(scene.attempt)/publish", json).status == 422)
            #expect(try await scene.send("PUT", "uploads/\(scene.attempt)/w", "12").status == 204)
            let watcher = FlushProbe(below: scene.data.root)
            try await watcher.watching {
                let answer = try await scene.send("POST", "uploads/\(scene.attempt)/publish", json)
                #expect(answer.status == 200)
            }
            #expect(watcher.flushed.last == checkpoints)
            let repeated = FlushProbe(below: scene.data.root)
            try await repeated.watching {
                let answer = try await scene.send("POST", "uploads/\(scene.attempt)/publish", json)
                #expect(answer.status == 200)
            }
            #expect(repeated.flushed == [checkpoints])
        }
    }

    /// Waits until some of what is sent has arrived.
    private func untilArrived(_ scene: Scene) async throws {
        while !(try await scene.send("GET", "uploads/\(scene.attempt)").text.contains("\"path\":\"w\"")) {
            await Task.yield()
        }
    }
}
