// SPDX-License-Identifier: Apache-2.0

/// A strict reader of SVG and of the HTML that this project writes: every element is closed in its turn, every attribute
/// is quoted, no `<` and no `&` stands for itself.
struct Markup {
    private var rest: Substring.UTF8View
    private var open: [Substring] = []
    /// The elements with their attributes.
    private(set) var elements: [(name: Substring, attributes: [(name: Substring, value: Substring)])] = []
    private static let voids: Set<Substring> = ["meta", "br", "input", "link", "hr", "img"]

    init(_ text: String) throws {
        rest = Substring(text).utf8
        if text.hasPrefix("<!DOCTYPE html>") { rest = rest.dropFirst("<!DOCTYPE html>".utf8.count) }
        while let byte = rest.first {
            if byte == UInt8(ascii: "<") { try element() } else { try content() }
        }
        try expect(open.isEmpty, "\(open) are not closed")
    }

    private mutating func take(while condition: (UInt8) -> Bool) -> Substring {
        let part = rest.prefix(while: condition)
        rest = rest[part.endIndex...]
        return Substring(part)
    }

    private mutating func content() throws {
        try Self.check(take { $0 != UInt8(ascii: "<") })
    }

    /// Control characters and bare ampersands are in no text.
    private static func check(_ text: Substring) throws {
        var rest = text.utf8
        while let byte = rest.popFirst() {
            try expect(
                byte >= 0x20 || byte == 0x0a || byte == 0x09, "a control character \(byte) in \(text.prefix(80))")
            guard byte == UInt8(ascii: "&") else { continue }
            let known = ["amp;", "lt;", "gt;", "quot;", "#39;"]
            try expect(known.contains { rest.starts(with: $0.utf8) }, "a bare ampersand in \(text.prefix(80))")
        }
    }

    private mutating func element() throws {
        rest.removeFirst()
        if rest.first == UInt8(ascii: "/") {
            rest.removeFirst()
            let name = take { $0 != UInt8(ascii: ">") }
            try expect(open.popLast() == name, "</\(name)> closes an element that is not open")
            try expect(rest.popFirst() != nil, "a tag without end")
            return
        }
        let name = take { Self.isName($0) }
        try expect(!name.isEmpty, "an element without a name before \(Substring(rest.prefix(40)))")
        var attributes: [(Substring, Substring)] = []
        while true {
            _ = take { $0 == 0x20 || $0 == 0x0a }
            guard let byte = rest.popFirst() else { throw Violation(description: "a tag without end") }
            if byte == UInt8(ascii: ">") {
                if name == "style" || name == "script" {
                    while let next = rest.first, !rest.starts(with: "</\(name)>".utf8) {
                        _ = next
                        rest.removeFirst()
                    }
                }
                if !Self.voids.contains(name) { open.append(name) }
                break
            }
            if byte == UInt8(ascii: "/") {
                try expect(rest.popFirst() == UInt8(ascii: ">"), "a slash within <\(name)>")
                break
            }
            try expect(Self.isName(byte), "an attribute without a name in <\(name)>")
            let key = take { Self.isName($0) }
            guard rest.first == UInt8(ascii: "=") else { continue }
            rest.removeFirst()
            try expect(rest.popFirst() == UInt8(ascii: "\""), "an attribute of <\(name)> is not quoted")
            let value = take { $0 != UInt8(ascii: "\"") }
            try expect(rest.popFirst() != nil, "an attribute of <\(name)> does not end")
            try expect(!value.utf8.contains(UInt8(ascii: "<")), "a < in an attribute")
            try Self.check(value)
            // The first letter is taken already.
            attributes.append((Substring(String(decoding: [byte], as: UTF8.self) + key), value))
        }
        elements.append((name, attributes))
    }

    private static func isName(_ byte: UInt8) -> Bool {
        (0x61...0x7a).contains(byte) || (0x41...0x5a).contains(byte) || (0x30...0x39).contains(byte)
            || byte == UInt8(ascii: "-") || byte == UInt8(ascii: ":") || byte == UInt8(ascii: "_")
    }

    /// Checks that all positions and sizes are finite, and that nothing is drawn far outside of the chart.
    mutating func checkPicture(width: Double, height: Double) throws {
        let numeric: Set<Substring> = [
            "x", "y", "x1", "y1", "x2", "y2", "cx", "cy", "r", "rx", "ry", "width", "height", "stroke-width", "opacity",
            "font-size",
        ]
        for (name, attributes) in elements {
            for (key, value) in attributes {
                if numeric.contains(key) {
                    try Self.checkNumber(value, key, name, within: max(width, height))
                } else if key == "d" || key == "points" {
                    let numbers = value.split { !"0123456789.-+e".contains($0) }
                    for number in numbers { try Self.checkNumber(number, key, name, within: max(width, height)) }
                    try expect(!value.contains("n") && !value.contains("i"), "<\(name) \(key)> is \(value.prefix(80))")
                }
            }
        }
    }

    private static func checkNumber(
        _ text: Substring, _ key: Substring, _ name: Substring, within size: Double
    ) throws {
        let plain = text.hasSuffix("%") ? text.dropLast() : text
        guard let number = Double(plain), number.isFinite else {
            throw Violation(description: "<\(name) \(key)> is \"\(text)\", not finite")
        }
        // A curve may leave the chart, which clips it; its points stay within a million pixels.
        let most = key == "d" ? 1e6 : size + 200
        try expect(number.magnitude <= most, "<\(name) \(key)> is \(number), far outside")
    }
}
