// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTCheckpoints
import PBTClient
import ServerTestSupport
import SystemPackage
import Testing

@Suite(.timeLimit(.minutes(10))) struct `The log of an attempt` {
    private static let id = IntervalID(member: 0, index: 0)

    @Test func `is sent in parts, by the client and by hand`() async throws {
        try await Scene.with { scene in
            let attempt = try scene.data.begin(scene.assignment, slot: 0)
            let line = "step 1 of 4\n"
            let text = String(repeating: line, count: 200_000)
            try write(text, to: attempt.log)
            let store = try RemoteStore(ServerAddress("http://127.0.0.1:\(scene.server.port)"))
            var all: [UInt8] = []
            var parts = 0
            while true {
                let part = try await store.log(of: Self.id, attempt: 1, of: "small", from: all.count)
                if part.isEmpty { break }
                parts += 1
                all += part
            }
            #expect(all == Array(text.utf8))
            #expect(parts == 3)
            let end = try await scene.send("GET", "intervals/0/0/log?offset=\(text.utf8.count - line.utf8.count)")
            #expect(end.status == 200)
            #expect(end.text == line)
            #expect(try await scene.send("GET", "intervals/0/0/log?offset=99999999").text == "")
        }
    }

    @Test func `that is not there is a 404 that says why`() async throws {
        try await Scene.with { scene in
            func problem(_ path: String) async throws -> String {
                let answer = try await scene.send("GET", path)
                let value = try Value(json: answer.text)
                return "\(answer.status) \(value["code"]?.string ?? ""): \(value["detail"]?.string ?? "")"
            }
            let missing = try await problem("intervals/0/0/log")
            #expect(
                missing
                    == "404 noSuchLog: the log of attempt 1 at interval 0@0 of \"small\" is not on the server: worker w "
                    + "wrote it on its own machine, or nothing was printed yet")
            let later = try await problem("intervals/0/0/log?attempt=2")
            #expect(later == "404 noSuchLog: interval 0@0 of \"small\" has attempts 1 to 1, and no attempt 2")
            let waiting = try await problem("intervals/1/0/log")
            #expect(waiting == "404 noSuchLog: interval 1@0 of \"small\" has not started, so it has no log")
            let none = try await problem("intervals/0/9/log")
            #expect(none.hasPrefix("404 noSuchInterval: "))
            let offset = try await problem("intervals/0/0/log?offset=-1")
            #expect(offset.hasPrefix("400 badRequest: "))
        }
    }
}
