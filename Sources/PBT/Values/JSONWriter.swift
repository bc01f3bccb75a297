// SPDX-License-Identifier: Apache-2.0

extension Value {
    /// The value as JSON on one line: names in order, numbers exact, NaN and infinity as `null`.
    public var json: String {
        String(decoding: jsonBytes, as: UTF8.self)
    }

    /// The value as JSON on one line, with the tokens `NaN`, `Infinity`, and `-Infinity`, which Python reads and writes.
    package var jsonWithNaN: String {
        var bytes: [UInt8] = []
        write(to: &bytes, namesNaN: true)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// ``json`` as UTF-8.
    package var jsonBytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(64)
        write(to: &bytes)
        return bytes
    }

    /// The value as indented JSON for people, names in order.
    public var prettyJSON: String {
        var bytes: [UInt8] = []
        write(to: &bytes, indent: 0)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Appends compact JSON, or indented JSON if `indent` (in levels) is given.
    private func write(to bytes: inout [UInt8], indent: Int? = nil, namesNaN: Bool = false) {
        switch self {
        case .null: bytes.append(contentsOf: "null".utf8)
        case .bool(let bool): bytes.append(contentsOf: (bool ? "true" : "false").utf8)
        case .integer(let integer): bytes.append(contentsOf: String(integer).utf8)
        case .number(let number):
            bytes.append(
                contentsOf: (number.isFinite ? number.description : namesNaN ? number.token : "null").utf8)
        case .string(let string): Self.quote(string, to: &bytes)
        case .array(let array):
            // A list of scalars stays on one line, which makes schedules easier to read.
            let inner = array.allSatisfy(\.isScalar) ? nil : indent.map { $0 + 1 }
            bytes.append(UInt8(ascii: "["))
            for (i, element) in array.enumerated() {
                if i > 0 { Self.separate(&bytes, spaced: indent != nil && inner == nil) }
                Self.newline(&bytes, inner)
                element.write(to: &bytes, indent: inner, namesNaN: namesNaN)
            }
            if !array.isEmpty, inner != nil { Self.newline(&bytes, indent) }
            bytes.append(UInt8(ascii: "]"))
        case .object(let object):
            bytes.append(UInt8(ascii: "{"))
            for (i, (name, element)) in object.sorted(by: { $0.key < $1.key }).enumerated() {
                if i > 0 { Self.separate(&bytes, spaced: false) }
                Self.newline(&bytes, indent.map { $0 + 1 })
                Self.quote(name, to: &bytes)
                bytes.append(UInt8(ascii: ":"))
                if indent != nil { bytes.append(UInt8(ascii: " ")) }
                element.write(to: &bytes, indent: indent.map { $0 + 1 }, namesNaN: namesNaN)
            }
            if !object.isEmpty { Self.newline(&bytes, indent) }
            bytes.append(UInt8(ascii: "}"))
        }
    }

    private static func separate(_ bytes: inout [UInt8], spaced: Bool) {
        bytes.append(UInt8(ascii: ","))
        if spaced { bytes.append(UInt8(ascii: " ")) }
    }

    private static func newline(_ bytes: inout [UInt8], _ indent: Int?) {
        guard let indent else { return }
        bytes.append(UInt8(ascii: "\n"))
        bytes.append(contentsOf: repeatElement(UInt8(ascii: " "), count: 2 * indent))
    }

    private static func quote(_ string: String, to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "\""))
        for byte in string.utf8 {
            switch byte {
            case UInt8(ascii: "\""): bytes.append(contentsOf: "\\\"".utf8)
            case UInt8(ascii: "\\"): bytes.append(contentsOf: "\\\\".utf8)
            case 0x0a: bytes.append(contentsOf: "\\n".utf8)
            case 0x0d: bytes.append(contentsOf: "\\r".utf8)
            case 0x09: bytes.append(contentsOf: "\\t".utf8)
            case 0..<0x20, 0x7f:
                let digits = Array("0123456789abcdef".utf8)
                bytes.append(contentsOf: "\\u00".utf8)
                bytes.append(digits[Int(byte >> 4)])
                bytes.append(digits[Int(byte & 15)])
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }
}

extension Double {
    /// The token of a number that JSON does not have.
    fileprivate var token: String {
        isNaN ? "NaN" : self > 0 ? "Infinity" : "-Infinity"
    }
}
