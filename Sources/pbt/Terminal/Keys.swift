// SPDX-License-Identifier: Apache-2.0

import Dispatch
import LibC
import SystemPackage

/// A pressed key.
enum Key: Sendable, Hashable {
    /// A character key.
    case character(Character)
    case up, down, left, right, pageUp, pageDown, home, end, enter, escape, backspace
}

/// The keys pressed on standard input.
///
/// The terminal must be in a mode that delivers keys one by one: ``ScreenGuard/take(_:_:readsKeys:)``.
final class Keys: Sendable {
    /// The keys, until ``stop()``.
    let pressed: AsyncStream<Key>
    private let continuation: AsyncStream<Key>.Continuation
    /// Both ends of a pipe that ends the reading.
    private let (awaken, awake): (FileDescriptor, FileDescriptor)

    /// Starts to read, if standard input is a terminal.
    ///
    /// - Throws: An `Errno` when there are too many open files.
    init() throws {
        (pressed, continuation) = AsyncStream<Key>.makeStream(bufferingPolicy: .bufferingNewest(64))
        (awake, awaken) = try FileDescriptor.pipe()
        if Terminal.input.isTerminal {
            DispatchQueue(label: "pbt.keys").async { [self] in read() }
        } else {
            continuation.finish()
        }
    }

    deinit {
        for end in [awake, awaken] {
            // No data can be lost.
            try? end.close()
        }
    }

    /// Ends ``pressed`` and the reading.
    func stop() {
        continuation.finish()
        // The other end is open as long as this is.
        _ = try? awaken.writeAll([0])
    }

    private func read() {
        SignalStack.provide()
        var buffer = [UInt8](repeating: 0, count: 256)
        while true {
            let isForeground = ScreenGuard.isForeground
            // In the background, keys are meant for another process; poll ignores a negative descriptor.
            var waiting = [
                pollfd(fd: isForeground ? 0 : -1, events: Int16(POLLIN), revents: 0),
                pollfd(fd: awake.rawValue, events: Int16(POLLIN), revents: 0),
            ]
            // Nothing announces a return to the foreground, so check five times a second.
            guard poll(&waiting, 2, isForeground ? -1 : 200) > 0 else { continue }
            guard waiting[1].revents == 0 else { return }
            guard waiting[0].revents != 0, ScreenGuard.isForeground else { continue }
            let count: Int
            do {
                count = try buffer.withUnsafeMutableBytes {
                    try FileDescriptor.standardInput.read(into: $0, retryOnInterrupt: false)
                }
            } catch Errno.interrupted, Errno.resourceTemporarilyUnavailable {
                continue
            } catch Errno.ioError where !ScreenGuard.isForeground {
                // Just sent to the background.
                continue
            } catch {
                count = 0
            }
            // The terminal was closed.
            guard count > 0 else { return continuation.finish() }
            for key in Self.keys(buffer[..<count]) { continuation.yield(key) }
        }
    }

    /// Decodes bytes into keys.
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
                // Skip an unsupported key up to its final character.
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
