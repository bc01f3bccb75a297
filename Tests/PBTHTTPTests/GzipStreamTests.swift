// SPDX-License-Identifier: Apache-2.0

import NIOCore
import ServerTestSupport
import Testing

@testable import PBTHTTP

@Suite struct GzipStreamTests {
    @Test func `streams of shared blocks in any order have the content of their blocks, and a good checksum`() throws {
        let texts = ["", "a", String(repeating: "event: done\n", count: 20_000), "ü/\u{0}", "b"]
        let blocks = try texts.map { try #require(GzipBlock(ByteBuffer(string: $0))) }
        for order in [[0], [1, 2, 3], [2, 2, 4, 0, 1], [4, 3, 2, 1, 0, 2], []] {
            var stream = GzipStream()
            var packed = GzipStream.header
            for place in order {
                var bytes = stream.append(blocks[place])
                packed.writeBuffer(&bytes)
                let soFar = Gzip.unpacked(Array(packed.readableBytesView), count: 1 << 21, isEnded: false)
                // What was written can be read before more comes.
                #expect(soFar?.suffix(texts[place].utf8.count) == Array(texts[place].utf8)[...])
            }
            var end = stream.end()
            packed.writeBuffer(&end)
            let content = order.map { texts[$0] }.joined()
            #expect(Gzip.unpacked(Array(packed.readableBytesView), count: 1 << 21) == Array(content.utf8))
        }
    }

    @Test func `a block of events is a small part of their bytes`() throws {
        let events = (0..<500).map { "id: \($0)\nevent: done\ndata: {\"id\":\($0),\"score\":0.\($0 * 7919)}\n\n" }
            .joined()
        let block = try #require(GzipBlock(ByteBuffer(string: events)))
        var stream = GzipStream()
        #expect(stream.append(block).readableBytes * 3 < events.utf8.count)
    }
}
