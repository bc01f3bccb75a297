// SPDX-License-Identifier: Apache-2.0

/// An error of the JSON parser, with its place.
public struct JSONError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The problem, as a clause: "expected a value".
    public let problem: String
    /// The line, from 1.
    public let line: Int
    /// The column in bytes, from 1.
    public let column: Int

    /// The error as one sentence.
    public var description: String {
        "line \(line), column \(column): \(problem)"
    }
}

extension Value {
    /// Parses one JSON value, with nothing after it.
    ///
    /// Also accepts the tokens `NaN`, `Infinity` and `-Infinity`, which Python and others write for a diverged score.
    ///
    /// - Parameter text: The JSON text.
    /// - Throws: A ``JSONError`` with the place: for invalid JSON, a duplicate name, an integer that would be rounded, or
    ///   nesting deeper than 128.
    public init(json text: String) throws(JSONError) {
        try self.init(json: Array(text.utf8))
    }

    /// Parses one JSON value from UTF-8.
    ///
    /// - Parameter bytes: The JSON text.
    /// - Throws: A ``JSONError`` with the place.
    public init(json bytes: [UInt8]) throws(JSONError) {
        var parser = JSONParser(bytes: bytes)
        self = try parser.document()
    }
}

extension Value {
    /// The problem with an integer that ``init(exactly:)`` refuses, as a clause.
    package static let tooLarge = "does not fit into 64 bits and would be rounded; write it as a string, or as 1e20"

    /// Creates the exact value of a decimal integer: an integer if it fits into 64 bits, otherwise the floating-point
    /// number that equals it.
    ///
    /// Nil for other strings, and for an integer that no floating-point number equals or of more than 127 bits.
    ///
    /// - Parameter digits: An optional sign, and digits.
    package init?(exactly digits: String) {
        if let integer = Int(digits) {
            self = .integer(integer)
        } else if let wide = Int128(digits), let number = Double(exactly: wide) {
            self = .number(number)
        } else {
            return nil
        }
    }

    /// Returns true for a decimal integer that would be rounded.
    ///
    /// - Parameter text: Any string.
    /// - Returns: False for everything that is not an optional sign and digits.
    package static func isRounded(_ text: String) -> Bool {
        let digits = text.hasPrefix("-") || text.hasPrefix("+") ? text.dropFirst() : Substring(text)
        guard !digits.isEmpty, digits.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else {
            return false
        }
        return Value(exactly: text) == nil
    }
}

/// A recursive-descent parser over bytes.
///
/// Not Foundation's, because results may contain NaN, errors must name their place, and an interval must be parsed in
/// microseconds.
private struct JSONParser {
    let bytes: [UInt8]
    var position = 0

    init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    mutating func document() throws(JSONError) -> Value {
        let value = try value(depth: 0)
        skipSpace()
        guard position == bytes.count else { throw error("there is more after the value") }
        return value
    }

    private func error(_ problem: String, at place: Int? = nil) -> JSONError {
        let end = min(place ?? position, bytes.count)
        let line = bytes[..<end].count { $0 == 0x0a }
        let start = bytes[..<end].lastIndex(of: 0x0a).map { $0 + 1 } ?? 0
        return JSONError(problem: problem, line: line + 1, column: end - start + 1)
    }

    private var peek: UInt8? {
        position < bytes.count ? bytes[position] : nil
    }

    private mutating func skipSpace() {
        while let byte = peek, byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 {
            position += 1
        }
    }

    private mutating func take(_ word: StaticString) -> Bool {
        let count = word.utf8CodeUnitCount
        guard position + count <= bytes.count else { return false }
        for i in 0..<count where bytes[position + i] != word.utf8Start[i] {
            return false
        }
        position += count
        return true
    }

    private mutating func value(depth: Int) throws(JSONError) -> Value {
        skipSpace()
        guard let byte = peek else { throw error("the input ends where a value is expected") }
        guard depth < 128 || (byte != UInt8(ascii: "{") && byte != UInt8(ascii: "[")) else {
            throw error("nested deeper than 128")
        }
        switch byte {
        case UInt8(ascii: "{"): return try object(depth: depth)
        case UInt8(ascii: "["): return try array(depth: depth)
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t") where take("true"): return .bool(true)
        case UInt8(ascii: "f") where take("false"): return .bool(false)
        case UInt8(ascii: "n") where take("null"): return .null
        case UInt8(ascii: "N") where take("NaN"): return .number(.nan)
        case UInt8(ascii: "I") where take("Infinity"): return .number(.infinity)
        case UInt8(ascii: "-") where take("-Infinity"): return .number(-.infinity)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number()
        default: throw error("expected a value")
        }
    }

    private mutating func object(depth: Int) throws(JSONError) -> Value {
        position += 1
        var object: [String: Value] = [:]
        skipSpace()
        if take("}") { return .object(object) }
        while true {
            skipSpace()
            let start = position
            guard peek == UInt8(ascii: "\"") else { throw error("expected a name in quotation marks") }
            let name = try string()
            skipSpace()
            guard take(":") else { throw error("expected ':' after the name \"\(name)\"") }
            guard object[name] == nil else { throw error("the name \"\(name)\" is duplicated", at: start) }
            object[name] = try value(depth: depth + 1)
            skipSpace()
            if take(",") { continue }
            if take("}") { return .object(object) }
            throw error("expected ',' or '}'")
        }
    }

    private mutating func array(depth: Int) throws(JSONError) -> Value {
        position += 1
        var array: [Value] = []
        skipSpace()
        if take("]") { return .array(array) }
        while true {
            array.append(try value(depth: depth + 1))
            skipSpace()
            if take(",") { continue }
            if take("]") { return .array(array) }
            throw error("expected ',' or ']'")
        }
    }

    private mutating func number() throws(JSONError) -> Value {
        let start = position
        var isInteger = true
        _ = take("-")
        let digits = position
        skipDigits()
        guard position > digits else { throw error("expected digits") }
        if bytes[digits] == UInt8(ascii: "0"), position - digits > 1 {
            throw error("a number must not start with a zero", at: start)
        }
        if take(".") {
            isInteger = false
            let fraction = position
            skipDigits()
            guard position > fraction else { throw error("expected digits after the point") }
        }
        if take("e") || take("E") {
            isInteger = false
            _ = take("+") || take("-")
            let exponent = position
            skipDigits()
            guard position > exponent else { throw error("expected digits in the exponent") }
        }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        if isInteger {
            guard let value = Value(exactly: text) else {
                throw error("the integer \(text.prefix(40)) \(Value.tooLarge)", at: start)
            }
            return value
        }
        guard let number = Double(text) else { throw error("not a number", at: start) }
        return .number(number)
    }

    private mutating func skipDigits() {
        while let byte = peek, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) {
            position += 1
        }
    }

    private mutating func string() throws(JSONError) -> String {
        position += 1
        var text: [UInt8] = []
        while true {
            guard let byte = peek else { throw error("unterminated string") }
            position += 1
            switch byte {
            case UInt8(ascii: "\""):
                guard let string = String(validating: text, as: UTF8.self) else {
                    throw error("the input is not UTF-8")
                }
                return string
            case UInt8(ascii: "\\"):
                try escape(into: &text)
            case 0..<0x20:
                throw error("a control character must be written with a backslash", at: position - 1)
            default:
                text.append(byte)
            }
        }
    }

    private mutating func escape(into text: inout [UInt8]) throws(JSONError) {
        guard let byte = peek else { throw error("unterminated string") }
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0c)
        case UInt8(ascii: "n"): text.append(0x0a)
        case UInt8(ascii: "r"): text.append(0x0d)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "u"):
            var code = try hexadecimal()
            if (0xd800..<0xdc00).contains(code) {
                guard take("\\u") else { throw error("half of a surrogate pair") }
                let low = try hexadecimal()
                guard (0xdc00..<0xe000).contains(low) else { throw error("half of a surrogate pair") }
                code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00)
            }
            guard let scalar = Unicode.Scalar(code) else { throw error("half of a surrogate pair") }
            text.append(contentsOf: String(Character(scalar)).utf8)
        default: throw error("unknown escape", at: position - 1)
        }
    }

    private mutating func hexadecimal() throws(JSONError) -> UInt32 {
        guard position + 4 <= bytes.count else { throw error("expected four hexadecimal digits") }
        var code: UInt32 = 0
        for byte in bytes[position..<position + 4] {
            guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
                throw error("expected four hexadecimal digits")
            }
            code = code << 4 | UInt32(digit)
        }
        position += 4
        return code
    }
}
