// SPDX-License-Identifier: Apache-2.0

/// CRC-32C, the checksum of Castagnoli (RFC 3720, appendix B.4), and its masked form in record files.
package enum CRC32C {
    private static let table: [UInt32] = (0..<256).map { byte in
        (0..<8).reduce(UInt32(byte)) { value, _ in value & 1 == 1 ? value >> 1 ^ 0x82F6_3B78 : value >> 1 }
    }

    /// Returns the checksum of bytes.
    package static func checksum(of bytes: some Sequence<UInt8>) -> UInt32 {
        var value: UInt32 = .max
        for byte in bytes {
            value = value >> 8 ^ table[Int(UInt8(truncatingIfNeeded: value) ^ byte)]
        }
        return ~value
    }

    /// Returns the masked checksum of record files, which stays sound for data that contains checksums.
    package static func masked(of bytes: some Sequence<UInt8>) -> UInt32 {
        let value = checksum(of: bytes)
        return (value >> 15 | value << 17) &+ 0xA282_EAD8
    }
}

/// The contents of a TFRecord file: each record's length, the length's checksum, the record, its checksum.
struct RecordFile {
    /// The file so far.
    private(set) var bytes: [UInt8] = []

    /// Appends a record.
    mutating func append(_ record: [UInt8]) {
        let length = withUnsafeBytes(of: UInt64(record.count).littleEndian) { Array($0) }
        bytes.append(contentsOf: length)
        append(CRC32C.masked(of: length))
        bytes.append(contentsOf: record)
        append(CRC32C.masked(of: record))
    }

    private mutating func append(_ checksum: UInt32) {
        withUnsafeBytes(of: checksum.littleEndian) { bytes.append(contentsOf: $0) }
    }
}
