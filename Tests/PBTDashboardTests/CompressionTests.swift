// SPDX-License-Identifier: Apache-2.0

import ServerTestSupport
import AsyncHTTPClient
import PBT
import PBTTesting
import Testing

@testable import PBTHTTP
@testable import PBTDashboard
@testable import PBTServer

@Suite(.timeLimit(.minutes(10)))
struct CompressionTests {
    @Test(arguments: ["/e/digits", "/e/digits/members.csv", "/e/digits/members.json", Assets.style.path])
    func `pages come compressed to those who can read that, and mean the same`(path: String) async throws {
        let clock = ManualClock()
        try await withServer(store: InMemoryStore(), pages: .pages(clock: clock.store)) { server in
            try await TrainedRun(hasBaseline: true).train(in: server.store, clock: clock)
            let plain = try await server.visit(path)
            #expect(plain[header: "Content-Encoding"] == nil)
            #expect(plain[header: "Vary"] == "Accept-Encoding")
            let packed = try await server.visit(path, headers: [("Accept-Encoding", "br, gzip;q=0.8")])
            #expect(packed[header: "Content-Encoding"] == "gzip")
            #expect(packed[header: "Vary"] == "Accept-Encoding")
            #expect(packed[header: "Content-Length"] == "\(packed.bytes.count)")
            #expect(packed.bytes.count < plain.bytes.count / 2)
            #expect(Gzip.unpacked(packed.bytes, count: plain.bytes.count) == plain.bytes)
        }
    }

    @Test func `the API's answers are compressed too, but those whose entity tag is for their bytes`() async throws {
        try await withServer { server in
            try await TrainedRun().train(in: server.store)
            let gzip = [("Accept-Encoding", "gzip")]
            let list = try await server.ask(.GET, "/experiments/digits/intervals", headers: gzip)
            #expect(list[header: "Content-Encoding"] == "gzip")
            let plain = try await server.ask(.GET, "/experiments/digits/intervals")
            #expect(Gzip.unpacked(list.bytes, count: plain.bytes.count) == plain.bytes)
            let tagged = try await server.ask(.GET, "/experiments/digits", headers: gzip)
            #expect(tagged[header: "ETag"]?.hasPrefix("\"") == true)
            #expect(tagged[header: "Content-Encoding"] == nil)
        }
    }

    @Test func `what is short stays as it is`() async throws {
        try await withServer { server in
            let answer = try await server.ask(.GET, "/healthz", headers: [("Accept-Encoding", "gzip")])
            #expect(answer.status == 200)
            #expect(answer[header: "Content-Encoding"] == nil)
            #expect(answer[header: "Vary"] == nil)
        }
    }

    @Test(
        arguments: [
            (nil, false), ("", false), ("gzip", true), ("GZIP", true), ("x-gzip", true), ("identity", false),
            ("br, deflate", false), ("deflate, gzip;q=1.0, *;q=0.5", true), ("gzip;q=0", false),
            ("gzip ; q=0.000", false),
            ("gzip;q=0.001", true), ("*", true), ("*;q=0", false), ("gzip;q=0, *", false), ("*, gzip;q=0", false),
            ("gzip;q=nonsense", false), (";;,,q=1", false), ("gzipped", false),
        ] as [(String?, Bool)])
    func `an Accept-Encoding is read as RFC 9110 says`(field: String?, accepts: Bool) {
        #expect(Reply.acceptsGzip(field) == accepts)
    }
}
