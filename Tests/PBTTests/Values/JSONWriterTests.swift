// SPDX-License-Identifier: Apache-2.0

import PBT
import Testing

@Suite("JSON writer") struct JSONWriterTests {
    @Test func `names are written in order and on one line`() {
        let value: Value = ["b": [1, 2.0, "x"], "a": nil, "c": ["d": true]]
        #expect(value.json == #"{"a":null,"b":[1,2.0,"x"],"c":{"d":true}}"#)
        #expect(value.description == value.json)
    }

    @Test func `JSON for people is indented, with lists of scalars on one line`() {
        let value: Value = ["b": [1, 2], "a": [["c": 1], []], "d": [:], "e": []]
        #expect(
            value.prettyJSON == """
                {
                  "a": [
                    {
                      "c": 1
                    },
                    []
                  ],
                  "b": [1, 2],
                  "d": {},
                  "e": []
                }
                """)
    }

    @Test func `NaN and infinity are written as null, for JSON has neither`() {
        #expect(Value.array([.number(.nan), .number(.infinity), .number(-.infinity)]).json == "[null,null,null]")
    }

    @Test(arguments: [
        (1.0, "1.0"), (0.1, "0.1"), (-0.0, "-0.0"), (1e-5, "1e-05"), (1e16, "1e+16"),
        (.leastNonzeroMagnitude, "5e-324"),
        (0.30000000000000004, "0.30000000000000004"),
    ])
    func `a number is written to the last bit`(number: Double, text: String) throws {
        #expect(Value.number(number).json == text)
        #expect(try Value(json: text) == .number(number))
    }

    @Test func `control characters, quotation marks and backslashes are escaped`() {
        #expect(Value.string("a\"b\\c\n\r\t\u{1}\u{7f}é").json == "\"a\\\"b\\\\c\\n\\r\\t\\u0001\\u007fé\"")
    }

    @Test func `any value that was written is read back the same`() throws {
        var random = RandomStream.trial(1)
        for _ in 0..<2000 {
            let value = randomValue(using: &random, depth: 4)
            #expect(try Value(json: value.json) == value)
            #expect(try Value(json: value.prettyJSON) == value)
        }
    }

    @Test func `equal values are written alike, whatever the order they were built in`() {
        var one: [String: Value] = [:]
        var other: [String: Value] = [:]
        for i in 0..<200 { one["k\(i)"] = .integer(i) }
        for i in (0..<200).reversed() { other["k\(i)"] = .integer(i) }
        #expect(Value.object(one).json == Value.object(other).json)
    }
}

/// Any finite value.
func randomValue(using random: inout RandomStream, depth: Int) -> Value {
    switch random.index(below: depth > 0 ? 8 : 6) {
    case 0: return .null
    case 1: return .bool(random.index(below: 2) == 0)
    case 2: return .integer(Int(truncatingIfNeeded: random.next() >> UInt64(random.index(below: 64))))
    case 3:
        let number = Double(bitPattern: random.next())
        return .number(number.isFinite ? number : 0.5)
    case 4: return .number((random.normal() * 1000).rounded() / 8)
    case 5: return .string(randomText(using: &random))
    case 6: return .array((0..<random.index(below: 4)).map { _ in randomValue(using: &random, depth: depth - 1) })
    default:
        var object: [String: Value] = [:]
        for _ in 0..<random.index(below: 4) {
            object[randomText(using: &random)] = randomValue(using: &random, depth: depth - 1)
        }
        return .object(object)
    }
}

private func randomText(using random: inout RandomStream) -> String {
    let alphabet: [Character] = [
        "a", "Z", "0", " ", "\"", "\\", "/", "\n", "\t", "\r\n", "\u{0}", "\u{1f}", "\u{7f}", "é", "ß", "漢", "😀",
        "\u{2028}",
    ]
    return String((0..<random.index(below: 8)).map { _ in alphabet[random.index(below: alphabet.count)] })
}
