// SPDX-License-Identifier: Apache-2.0

/// A page as a strict reader sees it: every element is closed in its turn, every attribute is quoted, no `<` or `&` stands
/// for itself.
struct Markup {
    struct Wrong: Error, CustomStringConvertible {
        let description: String
    }

    struct Element {
        let name: String
        let attributes: [String: String]
        /// The names of the elements that it is in.
        let path: [String]
    }

    /// Elements that have no end in HTML.
    private static let voids: Set<String> = ["meta", "br", "input", "link", "hr", "img"]

    private(set) var elements: [Element] = []
    /// The text outside of tags and of the style sheet, as it is read.
    private(set) var text = ""
    /// The style sheet.
    private(set) var style = ""

    init(_ page: String) throws {
        var rest = Substring(page)
        guard rest.hasPrefix("<!DOCTYPE html>") else { throw Wrong(description: "no document type") }
        rest = rest.dropFirst("<!DOCTYPE html>".count)
        var open: [String] = []
        while let start = rest.firstIndex(of: "<") {
            text += try Self.unescaped(rest[..<start])
            rest = rest[rest.index(after: start)...]
            guard let end = rest.firstIndex(of: ">") else { throw Wrong(description: "a tag without end") }
            var tag = rest[..<end]
            rest = rest[rest.index(after: end)...]
            if tag.hasPrefix("/") {
                guard open.popLast() == String(tag.dropFirst()) else { throw Wrong(description: "<\(tag)> in \(open)") }
                continue
            }
            let isClosed = tag.hasSuffix("/")
            if isClosed { tag = tag.dropLast() }
            let name = String(tag.prefix { $0 != " " })
            guard name.wholeMatch(of: /[a-zA-Z][a-zA-Z0-9]*/) != nil else {
                throw Wrong(description: "an element \"\(name)\"")
            }
            let attributes = try Self.attributes(tag.dropFirst(name.count))
            elements.append(Element(name: name, attributes: attributes, path: open))
            if name == "style" {
                guard let close = rest.firstRange(of: "</style>") else { throw Wrong(description: "an open style") }
                style += rest[..<close.lowerBound]
                rest = rest[close.upperBound...]
            } else if !isClosed, !Self.voids.contains(name) {
                open.append(name)
            }
        }
        text += try Self.unescaped(rest)
        guard open.isEmpty else { throw Wrong(description: "\(open) are not closed") }
    }

    private static func attributes(_ text: Substring) throws -> [String: String] {
        var attributes: [String: String] = [:]
        var rest = text.drop { $0.isWhitespace }
        while !rest.isEmpty {
            guard let match = rest.prefixMatch(of: /([a-zA-Z][a-zA-Z0-9:-]*)(?:="([^"]*)")?/) else {
                throw Wrong(description: "attributes \"\(rest)\"")
            }
            guard attributes.updateValue(try unescaped(match.2 ?? ""), forKey: String(match.1)) == nil else {
                throw Wrong(description: "\(match.1) is there twice")
            }
            rest = rest[match.range.upperBound...].drop { $0.isWhitespace }
        }
        return attributes
    }

    private static func unescaped(_ text: Substring) throws -> String {
        var result = ""
        var rest = text
        while let start = rest.firstIndex(of: "&") {
            result += rest[..<start]
            rest = rest[start...]
            let known = ["&amp;": "&", "&lt;": "<", "&gt;": ">", "&quot;": "\"", "&#39;": "'"]
            guard let (name, value) = known.first(where: { rest.hasPrefix($0.key) }) else {
                throw Wrong(description: "\(rest.prefix(20))")
            }
            result += value
            rest = rest.dropFirst(name.count)
        }
        return result + rest
    }
}
