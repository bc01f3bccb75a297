// SPDX-License-Identifier: Apache-2.0

import PBT

/// Random numbers, strings and values, most of them extreme; the same seed gives the same ones.
struct Source {
    private var random: SplitMix64

    init(seed: UInt64) {
        random = SplitMix64(seed: seed)
    }

    mutating func word() -> UInt64 { random.next() }

    /// A number in `0 ..< count`; 0 for nothing.
    mutating func below(_ count: Int) -> Int {
        count <= 0 ? 0 : Int(random.next() % UInt64(count))
    }

    mutating func chance(_ one: Int) -> Bool { below(one) == 0 }

    mutating func pick<Element>(_ elements: [Element]) -> Element { elements[below(elements.count)] }

    mutating func unit() -> Double { Double(word() >> 11) * 0x1p-53 }

    /// Any finite number, the extreme ones often.
    mutating func finite() -> Double {
        switch below(8) {
        case 0:
            return pick([
                0, -0.0, 1, -1, 0.5, 1e-5, .leastNonzeroMagnitude, -.leastNonzeroMagnitude, .leastNormalMagnitude,
                1e-300, 1e300, -1e300, 1.7e308, -1.7e308,
                .greatestFiniteMagnitude, -.greatestFiniteMagnitude, 0x1p53, 0x1p63, -0x1p63, 1e15, 0.1 + 0.2,
            ])
        case 1:
            while true {
                let number = Double(bitPattern: word())
                if number.isFinite { return number }
            }
        case 2: return Double(below(20) - 10)
        case 3: return 1 - unit() * 1e-9
        default: return unit()
        }
    }

    /// Any number, sometimes none.
    mutating func number() -> Double {
        chance(12) ? pick([.nan, .infinity, -.infinity]) : finite()
    }

    mutating func integer() -> Int {
        switch below(5) {
        case 0: pick([.max, .min, 0, -1, 1, 1 << 53, (1 << 53) + 1, -(1 << 53), 1 << 62, .max - 1, 1 << 31, 1 << 32])
        case 1: Int(truncatingIfNeeded: word())
        default: below(12) - 1
        }
    }

    /// A text as an enemy writes it.
    mutating func text() -> String {
        switch below(6) {
        case 0:
            return pick([
                "", " ", "=1+1", "+1", "-1", "@x", "\t", "\r\n", "'", "\"", "<script>", "&amp;", "]]>", "../..", "/",
                "a/b",
                "\u{0}", "\u{1b}[31m", "\u{7f}", "\u{85}", "\u{202e}", "\u{2028}", "\u{feff}", "\u{fffe}", "é",
                "e\u{301}",
                "👩‍👩‍👧", "漢字", "\u{300}\u{300}\u{300}", "NaN", "null", "true", "1e5", "-0", "%00", "%", "{x}", "$(x)", "`",
                "m0000-i0000-a1", "__proto__", "ﷺ", "\u{10ffff}", "＝1",
            ])
        case 1:
            return String(repeating: pick(["a", "é", "漢", "=", "\u{301}", " "]), count: below(chance(20) ? 5000 : 40))
        case 2:
            var text = String.UnicodeScalarView()
            for _ in 0..<below(12) {
                if let scalar = Unicode.Scalar(UInt32(below(chance(2) ? 0x300 : 0x110000))) { text.append(scalar) }
            }
            return String(text)
        default: return pick(["x", "rate", "m", "score", "accuracy", "layers", "w", "a b", "x.y", "loss"])
        }
    }

    /// Any JSON value.
    mutating func value(depth: Int = 3) -> Value {
        switch below(depth > 0 ? 9 : 6) {
        case 0: .null
        case 1: .bool(chance(2))
        case 2, 3: .integer(integer())
        case 4: .number(number())
        case 5: .string(text())
        case 6, 7: .array((0..<below(4)).map { _ in value(depth: depth - 1) })
        default: .object(object(depth: depth - 1))
        }
    }

    mutating func object(depth: Int = 2) -> [String: Value] {
        var object: [String: Value] = [:]
        for _ in 0..<below(4) { object[text()] = value(depth: depth) }
        return object
    }

    /// The value with something in it changed.
    mutating func mutated(_ value: Value) -> Value {
        switch value {
        case .object(var object) where !object.isEmpty && !chance(12):
            let names = object.keys.sorted()
            switch below(10) {
            case 0: object[pick(names)] = nil
            case 1: object[text()] = self.value()
            case 2: object[pick(names)] = object[pick(names)]
            default:
                let name = pick(names)
                if let old = object[name] { object[name] = mutated(old) }
            }
            return .object(object)
        case .array(var array) where !array.isEmpty && !chance(12):
            let place = below(array.count)
            switch below(8) {
            case 0: array.remove(at: place)
            case 1: array.append(array[place])
            case 2: array.insert(self.value(), at: place)
            case 3: array = Array(repeating: array[place], count: below(chance(30) ? 3000 : 5))
            default: array[place] = mutated(array[place])
            }
            return .array(array)
        case .integer(let number) where !chance(3):
            return pick([
                .integer(number &+ 1), .integer(number &- 1), .integer(-(number == .min ? 0 : number)),
                .integer(integer()), .number(Double(number)), .number(Double(number) + 0.5),
            ])
        case .number where !chance(4): return .number(number())
        case .string where !chance(4): return .string(text())
        default: return self.value()
        }
    }

    /// Some of the bytes changed, doubled, or taken away.
    mutating func mutated(_ bytes: [UInt8], times: Int = 8) -> [UInt8] {
        var bytes = bytes
        for _ in 0...below(times) {
            let place = below(bytes.count + 1)
            switch below(6) {
            case 0: bytes.insert(UInt8(truncatingIfNeeded: word()), at: place)
            case 1: if place < bytes.count { bytes.remove(at: place) }
            case 2: if place < bytes.count { bytes[place] = UInt8(truncatingIfNeeded: word()) }
            case 3: bytes.insert(contentsOf: Array(text().utf8), at: place)
            case 4: bytes.insert(contentsOf: bytes[place...].prefix(below(30)), at: place)
            default:
                let pieces = [
                    "[", "{", "}", "]", ",", ":", "\"", "\\u", "e", "-", "1e999", "&a", "*a", "<<: ", "\n", "- ",
                ]
                bytes.insert(contentsOf: Array(pick(pieces).utf8), at: place)
            }
        }
        return bytes
    }
}
