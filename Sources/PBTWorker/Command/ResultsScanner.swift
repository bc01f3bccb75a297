// SPDX-License-Identifier: Apache-2.0

import CSpawn
import LibC

/// Finds printed results in one stream of a program's output, as it comes, however much that is.
///
/// A block begins with `--- RESULTS ---` at the end of a line, and ends with `--- END RESULTS ---`. Before a mark may be
/// what other parts of the program put into the line: a progress bar, or the prefix by which a launcher tells its processes
/// apart (`[default0]:`). The last block counts.
struct ResultsScanner {
    /// What was found.
    enum Found: Hashable {
        /// No block was begun.
        case nothing
        /// The last block, which begins on this line, from 1: texts that may be its JSON, the likeliest first.
        case block(texts: [[UInt8]], line: Int)
        /// The last block begins on this line and never ends.
        case unfinished(line: Int)
        /// The last block begins on this line and is larger than ``limit``.
        case tooLarge(line: Int)
    }

    /// The most bytes of a block.
    static let limit = 1 << 20
    /// The most bytes of a line that are kept while no block is open: the end, where a mark would be.
    private static let mostPending = 4096
    /// The most blocks that may be open; more mean that the oldest never ends.
    private static let mostOpen = 64

    private static let begin = Array("--- RESULTS ---".utf8)
    private static let end = Array("--- END RESULTS ---".utf8)
    private static let needle = Array("RESULTS ---".utf8)

    private struct OpenBlock {
        /// What is before the mark in its line.
        let prefix: [UInt8]
        let line: Int
        /// The lines after the mark.
        var raw: [UInt8] = []
        /// Those of them that have the same prefix, without it.
        var prefixed: [UInt8] = []

        mutating func append(_ text: ArraySlice<UInt8>, isWholeLine: Bool) {
            if raw.count <= limit {
                raw += text
                raw.append(0x0a)
            }
            guard isWholeLine, !prefix.isEmpty, prefixed.count <= limit, text.starts(with: prefix) else { return }
            prefixed += text.dropFirst(prefix.count)
            prefixed.append(0x0a)
        }
    }

    /// The line that is not complete yet.
    private var pending: [UInt8] = []
    /// Its number, from 1.
    private var line = 1
    private var open: [OpenBlock] = []
    private var last = Found.nothing
    /// The line on which the last block ended.
    private var lastEnd = 0

    /// Takes in some output.
    mutating func consume(_ bytes: some Sequence<UInt8>) {
        pending += bytes
        if open.isEmpty, !Self.holdsNeedle(pending) {
            skip()
            return
        }
        var start = pending.startIndex
        while let newline = Self.newline(in: pending, from: start) {
            handle(pending[start..<newline])
            line += 1
            start = newline + 1
        }
        pending.removeSubrange(..<start)
        // A line without an end, such as a progress bar that is drawn again and again.
        let most = open.isEmpty ? Self.mostPending : 2 * Self.limit
        if pending.count > 2 * most { pending.removeSubrange(..<(pending.count - most)) }
    }

    /// Says what was found, once the output is complete.
    mutating func finish() -> Found {
        if !pending.isEmpty { handle(pending[...]) }
        pending = []
        if let unfinished = open.last, unfinished.line > lastEnd { last = .unfinished(line: unfinished.line) }
        return last
    }

    /// Passes over output without a mark.
    private mutating func skip() {
        var start = pending.startIndex
        while let newline = Self.newline(in: pending, from: start) {
            line += 1
            start = newline + 1
        }
        // Enough for what may become a mark.
        start = max(start, pending.endIndex - Self.mostPending)
        pending.removeSubrange(..<start)
    }

    private mutating func handle(_ line: ArraySlice<UInt8>) {
        let text = Self.visible(line)
        var rest = text[...]
        var isWholeLine = true
        while let mark = Self.nextMark(in: rest) {
            let before = rest[..<mark.range.lowerBound]
            let after = rest[mark.range.upperBound...]
            if mark.isBegin {
                // A sentence about the marks is none.
                let next = after.first { !$0.isBlank }
                if next == nil || next == UInt8(ascii: "{") {
                    if open.count == Self.mostOpen { open.removeFirst() }
                    open.append(OpenBlock(prefix: isWholeLine ? Array(before) : [], line: self.line))
                }
            } else {
                close(before, isWholeLine: isWholeLine)
            }
            rest = after
            isWholeLine = false
        }
        guard !open.isEmpty, isWholeLine || rest.contains(where: { !$0.isBlank }) else { return }
        for i in open.indices { open[i].append(rest, isWholeLine: isWholeLine) }
    }

    /// Ends the block whose prefix is that of the line, or else the one that was begun last.
    private mutating func close(_ before: ArraySlice<UInt8>, isWholeLine: Bool) {
        let prefix = isWholeLine ? Array(before) : []
        let matching = prefix.isEmpty ? nil : open.lastIndex { $0.prefix == prefix && !$0.prefixed.isEmpty }
        guard let i = matching ?? open.indices.last else { return }
        let block = open.remove(at: i)
        lastEnd = line
        var texts = matching == nil ? [block.raw + before, block.raw] : [block.prefixed]
        if matching == nil, !block.prefixed.isEmpty { texts.append(block.prefixed) }
        guard texts.allSatisfy({ $0.count <= Self.limit }) else {
            last = .tooLarge(line: block.line)
            return
        }
        last = .block(texts: texts + texts.compactMap(Self.object), line: block.line)
    }

    /// What is between the first opening and the last closing brace: warnings and prefixes are left out.
    private static func object(in text: [UInt8]) -> [UInt8]? {
        guard let start = text.firstIndex(of: UInt8(ascii: "{")), let end = text.lastIndex(of: UInt8(ascii: "}")),
            start < end
        else { return nil }
        return Array(text[start...end])
    }

    private struct Mark {
        let range: Range<Int>
        let isBegin: Bool
    }

    private static func nextMark(in text: ArraySlice<UInt8>) -> Mark? {
        var position = text.startIndex
        while let place = text[position...].firstIndex(of: UInt8(ascii: "-")) {
            for (mark, isBegin) in [(begin, true), (end, false)] where text[place...].starts(with: mark) {
                return Mark(range: place..<(place + mark.count), isBegin: isBegin)
            }
            position = place + 1
        }
        return nil
    }

    /// What a terminal would show last of a line: without escape sequences (ECMA-48), after the last carriage return.
    private static func visible(_ line: ArraySlice<UInt8>) -> [UInt8] {
        var line = line
        while line.last == 0x0d { line.removeLast() }
        if let carriageReturn = line.lastIndex(of: 0x0d) { line = line[(carriageReturn + 1)...] }
        guard line.contains(0x1b) else { return Array(line) }
        var text: [UInt8] = []
        while let byte = line.popFirst() {
            guard byte == 0x1b else {
                text.append(byte)
                continue
            }
            guard line.first == UInt8(ascii: "[") else {
                _ = line.popFirst()
                continue
            }
            line.removeFirst()
            // Parameters, then one final byte from @ to ~.
            while let next = line.popFirst(), !(0x40...0x7e).contains(next) {}
        }
        return text
    }

    private static func newline(in bytes: [UInt8], from start: Int) -> Int? {
        bytes.withUnsafeBytes { buffer in
            guard let base = buffer.baseAddress, start < buffer.count,
                let found = memchr(base + start, 0x0a, buffer.count - start)
            else { return nil }
            return UnsafeRawPointer(found) - base
        }
    }

    private static func holdsNeedle(_ bytes: [UInt8]) -> Bool {
        bytes.withUnsafeBytes { buffer in
            needle.withUnsafeBytes { needle in
                guard let base = buffer.baseAddress, let start = needle.baseAddress else { return false }
                return pbt_holds(base, buffer.count, start, needle.count) != 0
            }
        }
    }
}

extension UInt8 {
    fileprivate var isBlank: Bool {
        self == 0x20 || self == 0x09 || self == 0x0d || self == 0x0a
    }
}
