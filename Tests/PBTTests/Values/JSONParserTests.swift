// SPDX-License-Identifier: Apache-2.0

import PBT
import Testing

@Suite("JSON parser") struct JSONParserTests {
    @Test(
        arguments: [
            ("null", .null), ("true", true), ("false", false), ("0", 0), ("-0", 0), ("7", 7), ("-12", -12),
            ("9223372036854775807", .integer(.max)), ("-9223372036854775808", .integer(.min)),
            ("9223372036854775808", .number(9.223372036854775808e18)), ("1.0", 1.0), ("-0.0", .number(-0.0)),
            ("1e3", 1000.0), ("1E+3", 1000.0), ("12.5e-1", 1.25), ("5e-324", .number(.leastNonzeroMagnitude)),
            ("1.7976931348623157e308", .number(.greatestFiniteMagnitude)), ("0.1", 0.1),
            ("\"\"", ""), ("[]", []), ("{}", [:]), (" \t\r\n[ 1 ,\n2 ] ", [1, 2]),
            ("{\"a\":{\"b\":[1,{\"c\":null}]}}", ["a": ["b": [1, ["c": nil]]]]),
        ] as [(String, Value)])
    func `a value is read`(text: String, value: Value) throws {
        #expect(try Value(json: text) == value)
    }

    @Test func `an integer and a number with a fraction stay different`() throws {
        #expect(try Value(json: "1") == .integer(1))
        #expect(try Value(json: "1.0") == .number(1))
        #expect(try Value(json: "1") != Value(json: "1.0"))
        #expect(try Value(json: "-0.0").double?.sign == .minus)
    }

    @Test func `NaN and infinity are read, since Python writes them for a diverged score`() throws {
        #expect(try Value(json: "NaN").double?.isNaN == true)
        #expect(try Value(json: "Infinity") == .number(.infinity))
        #expect(try Value(json: "-Infinity") == .number(-.infinity))
        let results = try Value(json: "{\"loss\": NaN, \"best\": -Infinity}")
        #expect(results["loss"]?.double?.isNaN == true)
        #expect(results["best"] == .number(-.infinity))
    }

    @Test(arguments: ["100000000000000000000", "-36893488147419103232", "170141183460469231687303715884105727"])
    func `an integer beyond 64 bits is exact, or refused with its place`(text: String) throws {
        // The last one is not the value of any double.
        if let wide = Int128(text), let number = Double(exactly: wide) {
            #expect(try Value(json: text) == .number(number))
        } else {
            #expect(Value.isRounded(text))
        }
        for rounded in ["9223372036854775809", "18446744073709551615", "-9223372036854775809", "1" + text + "7"] {
            do {
                _ = try Value(json: "{\"a\": \(rounded)}")
                Issue.record("\(rounded) was read")
            } catch {
                #expect(
                    error.description
                        == "line 1, column 7: the integer \(rounded.prefix(40)) does not fit into 64 bits and would be "
                        + "rounded; write it as a string, or as 1e20")
            }
        }
        #expect(!Value.isRounded("1.5"))
        #expect(!Value.isRounded("9223372036854775807"))
        #expect(!Value.isRounded("word"))
    }

    @Test func `a number too great for a double is infinite`() throws {
        #expect(try Value(json: "1e999") == .number(.infinity))
        #expect(try Value(json: "-1e999") == .number(-.infinity))
    }

    @Test(arguments: [
        (#""a\"b\\c\/d""#, "a\"b\\c/d"), (#""\b\f\n\r\t""#, "\u{8}\u{c}\n\r\t"), (#""\u00e9""#, "é"),
        (#""\u00E9""#, "é"), (#""\ud83d\ude00""#, "😀"), ("\"é😀\"", "é😀"), (#""\u0000""#, "\0"),
        ("\"\u{7f}\"", "\u{7f}"), (#""\ud7ff\ue000""#, "\u{d7ff}\u{e000}"), (#""\udbff\udfff""#, "\u{10ffff}"),
    ])
    func `text is read`(text: String, string: String) throws {
        #expect(try Value(json: text) == .string(string))
    }

    @Test(
        arguments: [
            ("", 1, 1, "the input ends where a value is expected"),
            ("  ", 1, 3, "the input ends where a value is expected"),
            ("nul", 1, 1, "expected a value"),
            ("nan", 1, 1, "expected a value"),
            ("+1", 1, 1, "expected a value"),
            (".5", 1, 1, "expected a value"),
            ("'a'", 1, 1, "expected a value"),
            ("1 2", 1, 3, "there is more after the value"),
            ("nullx", 1, 5, "there is more after the value"),
            ("01", 1, 1, "a number must not start with a zero"),
            ("-01", 1, 1, "a number must not start with a zero"),
            ("-", 1, 2, "expected digits"),
            ("-Inf", 1, 2, "expected digits"),
            ("1.", 1, 3, "expected digits after the point"),
            ("1.e5", 1, 3, "expected digits after the point"),
            ("1e", 1, 3, "expected digits in the exponent"),
            ("1e+", 1, 4, "expected digits in the exponent"),
            ("[1,", 1, 4, "the input ends where a value is expected"),
            ("[1 2]", 1, 4, "expected ',' or ']'"),
            ("[1,]", 1, 4, "expected a value"),
            ("[", 1, 2, "the input ends where a value is expected"),
            ("{", 1, 2, "expected a name in quotation marks"),
            ("{a: 1}", 1, 2, "expected a name in quotation marks"),
            ("{\"a\" 1}", 1, 6, "expected ':' after the name \"a\""),
            ("{\"a\": 1", 1, 8, "expected ',' or '}'"),
            ("{\"a\": 1,}", 1, 9, "expected a name in quotation marks"),
            ("{\n  \"a\": 1,\n  \"a\": 2\n}", 3, 3, "the name \"a\" is duplicated"),
            ("{\n  \"lr\": 0.1,\n  \"b\": tru\n}", 3, 8, "expected a value"),
            ("\"abc", 1, 5, "unterminated string"),
            ("\"abc\\", 1, 6, "unterminated string"),
            ("\"a\nb\"", 1, 3, "a control character must be written with a backslash"),
            ("\"\\x\"", 1, 3, "unknown escape"),
            ("\"\\u12\"", 1, 4, "expected four hexadecimal digits"),
            ("\"\\u12g4\"", 1, 4, "expected four hexadecimal digits"),
            ("\"\\ud83d\"", 1, 8, "half of a surrogate pair"),
            ("\"\\ud83dx\"", 1, 8, "half of a surrogate pair"),
            ("\"\\ud83d\\ud83d\"", 1, 14, "half of a surrogate pair"),
            ("\"\\ude00\"", 1, 8, "half of a surrogate pair"),
        ] as [(String, Int, Int, String)])
    func `what is no JSON is refused with its place`(text: String, line: Int, column: Int, problem: String) {
        #expect(throws: JSONError.self) { try Value(json: text) }
        do {
            let value = try Value(json: text)
            Issue.record("was read as \(value)")
        } catch {
            #expect(error.description == "line \(line), column \(column): \(problem)")
            #expect((error.line, error.column, error.problem) == (line, column, problem))
        }
    }

    @Test(
        arguments: [
            [0x22, 0xff, 0x22], [0x22, 0xc3, 0x22], [0x22, 0xc0, 0x80, 0x22], [0x22, 0xed, 0xa0, 0x80, 0x22],
            [0x22, 0xf4, 0x90, 0x80, 0x80, 0x22],
        ] as [[UInt8]])
    func `bytes that are not UTF-8 are refused`(bytes: [UInt8]) {
        do {
            let value = try Value(json: bytes)
            Issue.record("was read as \(value)")
        } catch {
            #expect(error.problem == "the input is not UTF-8")
        }
    }

    @Test func `lists may be nested 128 deep, but not deeper`() throws {
        func nested(_ depth: Int) -> String {
            String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        }
        _ = try Value(json: nested(128))
        #expect(throws: JSONError.self) { try Value(json: nested(129)) }
        #expect(throws: JSONError.self) { try Value(json: String(repeating: "[", count: 1_000_000)) }
        #expect(throws: JSONError.self) { try Value(json: String(repeating: "{\"a\":", count: 1_000_000)) }
    }

    @Test func `no text of random bytes does harm`() {
        var random = RandomStream.trial(0)
        let alphabet = Array("{}[]\",:\\u0123456789eE+-.truefalsn NaIity\n\u{e9}".utf8)
        for _ in 0..<3000 {
            let bytes = (0..<random.index(below: 24)).map { _ in alphabet[random.index(below: alphabet.count)] }
            if let value = try? Value(json: bytes) {
                let again = try? Value(json: value.json)
                #expect(again != nil, "\(value.json) cannot be read back")
            }
        }
    }
}
