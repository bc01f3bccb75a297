// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Synchronization

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// A key that somebody pressed.
enum Key: Sendable, Hashable {
    /// A key that writes a character.
    case character(Character)
    case up, down, left, right, pageUp, pageDown, home, end, enter, escape, backspace
}

/// The keys that are pressed on standard input while they are waited for.
///
/// The terminal must give keys one by one: ``ScreenGuard/take(_:_:readsKeys:)``.
final class Keys: Sendable {
    /// The keys, until ``stop()``.
    let pressed: AsyncStream<Key>
    private let continuation: AsyncStream<Key>.Continuation
    private let isStopped = Atomic(false)

    /// Begins to read; nothing is read from what is no terminal.
    init() {
        (pressed, continuation) = AsyncStream<Key>.makeStream(bufferingPolicy: .bufferingNewest(64))
        if Terminal.input.isTerminal {
            DispatchQueue(label: "pbt.keys").async { [self] in read() }
        } else {
            continuation.finish()
        }
    }

    /// Ends ``pressed``.
    func stop() {
        isStopped.store(true, ordering: .releasing)
        continuation.finish()
    }

    private func read() {
        var buffer = [UInt8](repeating: 0, count: 256)
        while !isStopped.load(ordering: .acquiring) {
            var waiting = pollfd(fd: 0, events: Int16(POLLIN), revents: 0)
            let ready = poll(&waiting, 1, 200)
            // In the background, what is typed is meant for somebody else.
            guard ready > 0, !isStopped.load(ordering: .acquiring), ScreenGuard.isForeground else {
                if ready > 0 { usleep(200_000) }
                continue
            }
            #if canImport(Darwin)
                let count = Darwin.read(0, &buffer, buffer.count)
            #elseif canImport(Glibc)
                let count = Glibc.read(0, &buffer, buffer.count)
            #else
                let count = Musl.read(0, &buffer, buffer.count)
            #endif
            guard count > 0 else {
                if count < 0, errno == EINTR || errno == EAGAIN { continue }
                // The terminal is gone.
                return continuation.finish()
            }
            for key in Self.keys(buffer[..<count]) { continuation.yield(key) }
        }
    }

    /// The keys that these bytes are.
    static func keys(_ bytes: ArraySlice<UInt8>) -> [Key] {
        var keys: [Key] = []
        var text = Substring(String(decoding: bytes, as: UTF8.self))
        let sequences: [(String, Key)] = [
            ("\u{1b}[A", .up), ("\u{1b}[B", .down), ("\u{1b}[C", .right), ("\u{1b}[D", .left), ("\u{1b}OA", .up),
            ("\u{1b}OB", .down), ("\u{1b}OC", .right), ("\u{1b}OD", .left), ("\u{1b}[5~", .pageUp),
            ("\u{1b}[6~", .pageDown), ("\u{1b}[H", .home), ("\u{1b}[F", .end), ("\u{1b}[1~", .home),
            ("\u{1b}[4~", .end), ("\u{1b}OH", .home), ("\u{1b}OF", .end),
        ]
        while let first = text.first {
            if let (sequence, key) = sequences.first(where: { text.hasPrefix($0.0) }) {
                text.removeFirst(sequence.count)
                keys.append(key)
            } else if text.hasPrefix("\u{1b}[") || text.hasPrefix("\u{1b}O") {
                // A key that means nothing here, up to its last character.
                text.removeFirst(2)
                while let next = text.first, !("@"..."~").contains(next) { text.removeFirst() }
                text = text.dropFirst()
            } else {
                text.removeFirst()
                switch first {
                case "\r", "\n", "\r\n": keys.append(.enter)
                case "\u{1b}": keys.append(.escape)
                case "\u{7f}", "\u{8}": keys.append(.backspace)
                default: if first >= " " { keys.append(.character(first)) }
                }
            }
        }
        return keys
    }
}
