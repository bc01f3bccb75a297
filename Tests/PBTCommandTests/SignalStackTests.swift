// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import pbt

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

@Suite(.timeLimit(.minutes(10))) struct SignalStackTests {
    @Test func `a thread whose stack is full gives the terminal back before it dies`() async throws {
        let end = await #expect(
            processExitsWith: .signal(SIGSEGV), observing: [\.standardOutputContent]
        ) {
            ScreenGuard.take(1, .block, readsKeys: false)
            print(fill(0))
        }
        let written = String(decoding: try #require(end).standardOutputContent, as: UTF8.self)
        #expect(written.contains("\u{1b}[?25l\u{1b}[?25h\r\n"), "\(written.debugDescription)")
    }
}

/// Needs more and more of the stack.
private func fill(_ depth: Int) -> Int {
    withUnsafeTemporaryAllocation(of: Int.self, capacity: 512) { room in
        room.initialize(repeating: depth)
        return depth == .max ? 0 : fill(depth + 1) + room[depth % 512]
    }
}
