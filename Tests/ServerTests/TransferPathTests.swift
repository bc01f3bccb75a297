// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTCheckpoints
import PBTTesting
import SystemPackage
import Testing

/// Paths that come over the wire are separated as the operating system separates them, not as Swift's characters are.
@Suite struct `A path in a checkpoint` {
    @Test(arguments: ["../\u{301}", "a/../\u{301}", "\u{301}/..", "/\u{301}", "a//\u{301}", "./\u{301}x"])
    func `is not hidden from its check by a combining character`(_ text: String) {
        #expect(throws: PBTError.self) { try TransferPath(text) }
    }

    @Test func `has as many names as the operating system sees`() throws {
        let path = try TransferPath("a/\u{301}b/c")
        #expect(path.names.map { Array($0.utf8) } == ["a", "\u{301}b", "c"].map { Array($0.utf8) })
        #expect(path.below("/base").string.utf8.elementsEqual("/base/a/\u{301}b/c".utf8))
    }

    @Test func `of a link that leads out is found behind a combining character`() async throws {
        try await withTemporaryDirectory { root in
            let place = FilePath(root).appending("checkpoint")
            try FileSystem.makeDirectories(place.appending("\u{301}d"))
            try FileSystem.makeDirectories(FilePath(root).appending("\u{301}other"))
            try FileSystem.write("x", to: FilePath(root).appending("\u{301}other").appending("w"))
            try symlink("../../\u{301}other/w", at: place.appending("\u{301}d").appending("l"))
            #expect(throws: PBTError.self) { try CheckpointLinks.settle(in: place) }
        }
    }
}
