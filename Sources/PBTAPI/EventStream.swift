// SPDX-License-Identifier: Apache-2.0

/// The format of server-sent events (HTML standard, section 9.2).
package enum EventStream {
    /// An event in a stream.
    package struct Frame: Sendable, Hashable {
        package var id: String?
        package var event: String?
        package var data: String

        package init(id: String? = nil, event: String? = nil, data: String) {
            self.id = id
            self.event = event
            self.data = data
        }

        /// The encoded frame.
        package var text: String {
            var text = ""
            if let id { text += "id: \(id)\n" }
            if let event { text += "event: \(event)\n" }
            for line in data.split(separator: "\n", omittingEmptySubsequences: false) { text += "data: \(line)\n" }
            return text + "\n"
        }
    }

    /// A comment, which keeps a connection alive.
    package static let comment = ":\n\n"

    /// An incremental parser.
    package struct Parser {
        private var line: [UInt8] = []
        private var afterReturn = false
        private var id: String?
        private var event: String?
        private var data: [String] = []

        package init() {}

        /// Parses bytes and returns the frames that they complete.
        package mutating func take(_ bytes: some Sequence<UInt8>) -> [Frame] {
            var frames: [Frame] = []
            for byte in bytes {
                if byte == UInt8(ascii: "\n"), afterReturn {
                    afterReturn = false
                    continue
                }
                afterReturn = byte == UInt8(ascii: "\r")
                guard byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") else {
                    line.append(byte)
                    continue
                }
                if let frame = endLine() { frames.append(frame) }
            }
            return frames
        }

        private mutating func endLine() -> Frame? {
            let text = String(decoding: line, as: UTF8.self)
            line = []
            guard !text.isEmpty else {
                defer {
                    event = nil
                    data = []
                }
                return data.isEmpty ? nil : Frame(id: id, event: event, data: data.joined(separator: "\n"))
            }
            guard !text.hasPrefix(":") else { return nil }
            let name = text.prefix { $0 != ":" }
            var value = text.dropFirst(name.count + 1)
            if value.hasPrefix(" ") { value = value.dropFirst() }
            switch name {
            case "id": id = String(value)
            case "event": event = String(value)
            case "data": data.append(String(value))
            default: break
            }
            return nil
        }
    }
}
