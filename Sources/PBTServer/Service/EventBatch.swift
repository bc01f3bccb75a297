// SPDX-License-Identifier: Apache-2.0

import NIOCore
import PBT
import PBTAPI
import PBTHTTP
import Synchronization

/// Events that were read from the store together, as streams carry them.
struct EventBatch: Sendable {
    /// Frames one after another, and where the one of each event ends.
    private struct Part {
        var ids: [Int64] = []
        var starts: [Int] = []
        var buffer = ByteBuffer()
        let block = SharedBlock()

        mutating func append(_ id: Int64, _ frame: String) {
            ids.append(id)
            starts.append(buffer.writerIndex)
            buffer.writeString(frame)
        }

        /// Returns the frames of the events after a given one, which share the bytes; nil if there are none.
        func after(_ last: Int64) -> EncodedFrames? {
            let start = ids.partitioningIndex { $0 > last }
            guard start < ids.count,
                let slice = buffer.getSlice(at: starts[start], length: buffer.writerIndex - starts[start])
            else { return nil }
            return EncodedFrames(slice, block: start == 0 ? block : nil)
        }
    }

    private let all: Part
    private let parts: [String: Part]
    /// The number of the last event.
    let last: Int64
    /// The approximate size in memory, in bytes.
    let bytes: Int

    /// - Parameter events: In order; at least one.
    init(_ events: [Event]) {
        var (all, parts) = (Part(), [String: Part]())
        let isMixed = events.contains { $0.experiment != events[0].experiment }
        for event in events {
            let frame = event.frame
            all.append(event.id, frame)
            if isMixed { parts[event.experiment, default: Part()].append(event.id, frame) }
        }
        if !isMixed, let name = events.first?.experiment { parts[name] = all }
        (self.all, self.parts) = (all, parts)
        last = events.last?.id ?? 0
        bytes = all.buffer.writerIndex * (isMixed ? 2 : 1) + 32 * events.count
    }

    /// The frames of an experiment's events after a given one; nothing when there is none.
    func frames(after last: Int64, of name: String?) -> EncodedFrames? {
        guard let name else { return all.after(last) }
        return parts[name]?.after(last)
    }

    /// Returns true if it holds an event of any of these experiments after a given one.
    func concerns(_ names: Set<String>?, after last: Int64 = 0) -> Bool {
        guard let names else { return all.ids.last.map { $0 > last } ?? false }
        return names.contains { parts[$0]?.ids.last.map { $0 > last } ?? false }
    }
}

/// Frames of a stream, as bytes and compressed.
struct EncodedFrames: Sendable {
    /// The bytes.
    let plain: ByteBuffer
    private let block: SharedBlock?

    /// Creates frames; `block` is what frames with the same bytes share.
    init(_ plain: ByteBuffer, block: SharedBlock? = nil) {
        self.plain = plain
        self.block = block
    }

    /// Returns the compressed bytes, which are compressed once for all frames that share a block.
    func compressed() -> GzipBlock? {
        block?.get(plain) ?? GzipBlock(plain)
    }
}

/// A block that is compressed when it is first needed.
final class SharedBlock: Sendable {
    private let block = Mutex<GzipBlock?>(nil)

    /// Returns the block for bytes, which must always be the same.
    func get(_ plain: ByteBuffer) -> GzipBlock? {
        block.withLock { block in
            if block == nil { block = GzipBlock(plain) }
            return block
        }
    }
}

extension Event {
    /// The event as a stream carries it.
    var frame: String {
        EventStream.Frame(id: String(id), event: kind.rawValue, data: api.json).text
    }
}

extension RandomAccessCollection where Index == Int {
    /// The first place from which on everything is as asked; what is not must come before what is.
    func partitioningIndex(where isBehind: (Element) -> Bool) -> Int {
        var (low, high) = (startIndex, endIndex)
        while low < high {
            let middle = low + (high - low) / 2
            if isBehind(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
