// SPDX-License-Identifier: Apache-2.0

import PBT
import Yams

extension Document {
    /// The most nodes that a document may have once its aliases are expanded.
    private static let mostParts = 200_000

    /// Parses YAML.
    ///
    /// Scalars follow YAML 1.2 rather than 1.1: `1e-5` is a number, and only `true` and `false` (and `True`, `TRUE`, …)
    /// are booleans, so `no`, `on` and `y` are strings. Digits after a leading zero, or with `_` or `:` between them, are
    /// strings, since YAML parsers disagree about their value. Anchors, aliases and merge keys (`<<`) are expanded.
    ///
    /// - Parameter text: The YAML text, of one document.
    /// - Throws: A ``DocumentError`` that names the line.
    init(yaml text: String) throws(DocumentError) {
        if let line = YAMLSize.lineBeyond(Self.mostParts, in: text) { throw Self.tooLarge(line: line) }
        let root: Node?
        do {
            root = try compose(yaml: text)
        } catch let error as YamlError {
            throw Self.error(error, in: text)
        } catch {
            throw DocumentError(line: 0, path: "", problem: "\(error)")
        }
        guard let root else {
            throw DocumentError(
                line: 1, path: "", problem: "the file is empty; see the experiment file's documentation")
        }
        var parts = 0
        self = try Self.document(root, parts: &parts)
    }

    private static func error(_ error: YamlError, in text: String) -> DocumentError {
        func described(_ context: YamlError.Context?, _ problem: String, _ mark: Mark) -> DocumentError {
            let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
            let line = mark.line - 1
            // libyaml says "found character that cannot start any token".
            let isTab = lines.indices.contains(line) && lines[line].drop { $0 == " " }.first == "\t"
            let advice = isTab ? "; the line is indented by a tab: use spaces" : ""
            let context = context.map { " \($0.text)" } ?? ""
            return DocumentError(line: mark.line, path: "", problem: "is not YAML:\(context) \(problem)\(advice)")
        }
        switch error {
        case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _):
            return described(context, problem, mark)
        case .composer(.some, _, let mark, _):
            // The only composer error with a context.
            return DocumentError(line: mark.line, path: "", problem: "holds a second document; keep one a file")
        case .composer(_, let problem, let mark, _):
            return described(nil, problem, mark)
        case .duplicatedKeysInMapping(let names, let context):
            return DocumentError(
                line: context.mark.line, path: "",
                problem: "\(names.quotedList) \(names.count == 1 ? "is" : "are") duplicated in one object; keep one")
        case .reader(_, let offset, _, _):
            let before = text.prefix(offset ?? 0)
            return DocumentError(
                line: before.count { $0.isNewline } + 1, path: "",
                problem: "holds a control character; is it a text file?")
        default:
            return DocumentError(line: 0, path: "", problem: "is not YAML: \(error)")
        }
    }

    private static func tooLarge(line: Int) -> DocumentError {
        DocumentError(
            line: line, path: "", problem: "has more than \(mostParts) parts once its aliases are expanded")
    }

    private static func document(_ node: Node, parts: inout Int) throws(DocumentError) -> Document {
        let line = node.mark?.line ?? 0
        parts += 1
        guard parts <= mostParts else { throw tooLarge(line: line) }
        switch node {
        case .scalar(let scalar):
            return Document(.scalar(try value(of: scalar, line: line)), line: line, text: scalar.string)
        case .sequence(let sequence):
            var list: [Document] = []
            for element in sequence {
                list.append(try document(element, parts: &parts))
            }
            return Document(.list(list), line: line)
        case .mapping(let mapping):
            return Document(.object(try entries(mapping, parts: &parts)), line: line)
        case .alias:
            throw DocumentError(line: line, path: "", problem: "has an alias to an undefined anchor")
        }
    }

    private static func entries(_ mapping: Node.Mapping, parts: inout Int) throws(DocumentError) -> [Entry] {
        // Merged objects count too, so that exponential merges are rejected.
        parts += 1
        guard parts <= mostParts else { throw tooLarge(line: mapping.mark?.line ?? 0) }
        var entries: [Entry] = []
        var merged: [Entry] = []
        for (key, value) in mapping {
            let line = key.mark?.line ?? 0
            guard case .scalar(let name) = key else {
                throw DocumentError(
                    line: line, path: "", problem: "has a name that is a list or an object; names are strings")
            }
            guard name.string == "<<", name.style == .plain else {
                entries.append(Entry(name: name.string, line: line, content: try document(value, parts: &parts)))
                continue
            }
            let sources: [Node] = if case .sequence(let list) = value { Array(list) } else { [value] }
            for source in sources {
                guard case .mapping(let source) = source else {
                    throw DocumentError(
                        line: line, path: "", problem: "<<: must be an alias of an object, such as <<: *name")
                }
                merged += try Self.entries(source, parts: &parts)
            }
        }
        // Own keys win over merged ones, and earlier merges over later ones.
        var names = Set(entries.map(\.name))
        for entry in merged where names.insert(entry.name).inserted {
            entries.append(entry)
        }
        return entries
    }

    private static func value(of scalar: Node.Scalar, line: Int) throws(DocumentError) -> Value {
        let text = scalar.string
        let tag = scalar.tag.description
        let isNumber = scalar.style == .plain && tag.isEmpty || tag == "tag:yaml.org,2002:int"
        if isNumber, Value.isRounded(text), !text.drop(while: { "+-".contains($0) }).hasPrefix("0") {
            throw DocumentError(
                line: line, path: "", problem: "has the integer \(text.prefix(40)), which \(Value.tooLarge)")
        }
        switch tag {
        case "tag:yaml.org,2002:str", "!": return .string(text)
        case "" where scalar.style == .plain: return plain(text)
        case "": return .string(text)
        case "tag:yaml.org,2002:int", "tag:yaml.org,2002:float", "tag:yaml.org,2002:bool", "tag:yaml.org,2002:null":
            return plain(text)
        default:
            throw DocumentError(
                line: line, path: "", problem: "has the unsupported tag \(tag); remove it")
        }
    }

    /// Returns the value of an unquoted scalar.
    static func plain(_ text: String) -> Value {
        switch text {
        case "", "~", "null", "Null", "NULL": return .null
        case "true", "True", "TRUE": return .bool(true)
        case "false", "False", "FALSE": return .bool(false)
        case ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF": return .number(.infinity)
        case "-.inf", "-.Inf", "-.INF": return .number(-.infinity)
        case ".nan", ".NaN", ".NAN": return .number(.nan)
        default: return number(text) ?? .string(text)
        }
    }

    /// Parses `12`, `-0.5`, `.5`, `5.`, `1e-5`; nil for anything else.
    private static func number(_ text: String) -> Value? {
        var rest = Substring(text).utf8
        if rest.first == UInt8(ascii: "-") || rest.first == UInt8(ascii: "+") { rest = rest.dropFirst() }
        func digits() -> Int {
            let count = rest.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }.count
            rest = rest.dropFirst(count)
            return count
        }
        let startsWithZero = rest.first == UInt8(ascii: "0")
        let whole = digits()
        guard whole > 0 || rest.first == UInt8(ascii: "."), !(startsWithZero && whole > 1) else { return nil }
        if rest.isEmpty, whole > 0 { return Value(exactly: text) }
        var fraction = 0
        if rest.first == UInt8(ascii: ".") {
            rest = rest.dropFirst()
            fraction = digits()
        }
        guard whole + fraction > 0 else { return nil }
        if rest.first == UInt8(ascii: "e") || rest.first == UInt8(ascii: "E") {
            rest = rest.dropFirst()
            if rest.first == UInt8(ascii: "-") || rest.first == UInt8(ascii: "+") { rest = rest.dropFirst() }
            guard digits() > 0 else { return nil }
        }
        guard rest.isEmpty else { return nil }
        // Swift does not parse a trailing dot.
        return Double(text.hasSuffix(".") ? text + "0" : text.replacing(".e", with: ".0e")).map { .number($0) }
    }
}
