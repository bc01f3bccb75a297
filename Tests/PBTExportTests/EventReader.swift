// SPDX-License-Identifier: Apache-2.0

import PBTExport

/// Reads event files as their formats are described, independently of what writes them.
struct EventReader {
    /// What cannot be read.
    struct Wrong: Error, CustomStringConvertible {
        let description: String
    }

    /// One field of a message.
    enum Field {
        case varint(UInt64)
        case fixed64(UInt64)
        case fixed32(UInt32)
        case data([UInt8])

        var bytes: [UInt8] { if case .data(let bytes) = self { bytes } else { [] } }
        var text: String { String(decoding: bytes, as: UTF8.self) }
        var double: Double { if case .fixed64(let bits) = self { Double(bitPattern: bits) } else { .nan } }
        var float: Float? { if case .fixed32(let bits) = self { Float(bitPattern: bits) } else { nil } }
        var integer: Int { if case .varint(let value) = self { Int(truncatingIfNeeded: value) } else { -1 } }
    }

    /// One value of one event.
    struct Value {
        let time: Double
        let step: Int
        let tag: String
        /// The number, of a scalar.
        let number: Float?
        /// The text, of text.
        let text: String?
        /// The plugin that it is for, and what the plugin is told.
        let plugin: (name: String, content: [UInt8])?
    }

    /// The records of a file, their checksums verified.
    static func records(_ bytes: [UInt8]) throws -> [[UInt8]] {
        var records: [[UInt8]] = []
        var rest = bytes[...]
        func take(_ count: Int) throws -> [UInt8] {
            guard rest.count >= count else { throw Wrong(description: "ends within a record") }
            defer { rest = rest.dropFirst(count) }
            return Array(rest.prefix(count))
        }
        while !rest.isEmpty {
            let length = try take(8)
            let lengthSum = try take(4)
            let record = try take(Int(number(length)))
            let recordSum = try take(4)
            guard number(lengthSum) == UInt64(CRC32C.masked(of: length)),
                number(recordSum) == UInt64(CRC32C.masked(of: record))
            else { throw Wrong(description: "a checksum is wrong") }
            records.append(record)
        }
        return records
    }

    private static func number(_ bytes: [UInt8]) -> UInt64 {
        bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// The fields of a message, by number.
    static func fields(_ bytes: [UInt8]) throws -> [Int: [Field]] {
        var fields: [Int: [Field]] = [:]
        var place = 0
        func varint() throws -> UInt64 {
            var (value, shift): (UInt64, UInt64) = (0, 0)
            while place < bytes.count {
                let byte = bytes[place]
                place += 1
                value |= UInt64(byte & 0x7f) << shift
                if byte < 0x80 { return value }
                shift += 7
            }
            throw Wrong(description: "ends within a number")
        }
        func take(_ count: Int) throws -> [UInt8] {
            guard place + count <= bytes.count else { throw Wrong(description: "ends within a field") }
            defer { place += count }
            return Array(bytes[place..<place + count])
        }
        while place < bytes.count {
            let key = try varint()
            let field: Field
            switch key & 7 {
            case 0: field = .varint(try varint())
            case 1: field = .fixed64(number(try take(8)))
            case 2: field = .data(try take(Int(try varint())))
            case 5: field = .fixed32(UInt32(number(try take(4))))
            default: throw Wrong(description: "a field of type \(key & 7)")
            }
            fields[Int(key >> 3), default: []].append(field)
        }
        return fields
    }

    /// All values of a file.
    static func values(_ bytes: [UInt8]) throws -> [Value] {
        var values: [Value] = []
        for (place, record) in try records(bytes).enumerated() {
            let event = try fields(record)
            guard let time = event[1]?.first?.double else { throw Wrong(description: "an event without time") }
            let step = event[2]?.first?.integer ?? 0
            if place == 0, event[3]?.first?.text != "brain.Event:2" { throw Wrong(description: "no event file") }
            for summary in event[5] ?? [] {
                for part in try fields(summary.bytes)[1] ?? [] {
                    let value = try fields(part.bytes)
                    var plugin: (String, [UInt8])?
                    if let metadata = try value[9]?.first.map({ try fields($0.bytes) }),
                        let data = try metadata[1]?.first.map({ try fields($0.bytes) })
                    {
                        plugin = (data[1]?.first?.text ?? "", data[2]?.first?.bytes ?? [])
                    }
                    let tensor = try value[8]?.first.map { try fields($0.bytes) }
                    values.append(
                        Value(
                            time: time, step: step, tag: value[1]?.first?.text ?? "", number: value[2]?.first?.float,
                            text: tensor?[8]?.first?.text, plugin: plugin))
                }
            }
        }
        return values
    }
}
