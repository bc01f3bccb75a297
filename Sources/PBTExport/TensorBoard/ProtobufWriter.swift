// SPDX-License-Identifier: Apache-2.0

/// Writes the fields of one protocol buffer message, in call order.
///
/// Fields with default values are written too: in a `oneof` the presence of a field matters.
struct ProtobufWriter {
    /// The message so far.
    private(set) var bytes: [UInt8] = []

    private enum WireType: UInt64 {
        case varint = 0
        case fixed64 = 1
        case delimited = 2
        case fixed32 = 5
    }

    /// Creates a message with the fields that `body` writes.
    static func message(_ body: (inout Self) -> Void) -> [UInt8] {
        var writer = Self()
        body(&writer)
        return writer.bytes
    }

    private mutating func varint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    private mutating func key(_ field: UInt64, _ type: WireType) {
        varint(field << 3 | type.rawValue)
    }

    /// Writes an `int64`, `int32` or enumeration.
    mutating func integer(_ value: Int64, field: UInt64) {
        key(field, .varint)
        varint(UInt64(bitPattern: value))
    }

    /// Writes a `bool`.
    mutating func bool(_ value: Bool, field: UInt64) {
        integer(value ? 1 : 0, field: field)
    }

    /// Writes a `double`.
    mutating func double(_ value: Double, field: UInt64) {
        key(field, .fixed64)
        withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes.append(contentsOf: $0) }
    }

    /// Writes a `float`.
    mutating func float(_ value: Float, field: UInt64) {
        key(field, .fixed32)
        withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes.append(contentsOf: $0) }
    }

    /// Writes `bytes`.
    mutating func data(_ value: some Collection<UInt8>, field: UInt64) {
        key(field, .delimited)
        varint(UInt64(value.count))
        bytes.append(contentsOf: value)
    }

    /// Writes a `string`.
    mutating func string(_ value: String, field: UInt64) {
        data(value.utf8, field: field)
    }

    /// Writes a nested message.
    mutating func message(field: UInt64, _ body: (inout Self) -> Void) {
        data(Self.message(body), field: field)
    }
}
