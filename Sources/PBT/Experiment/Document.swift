// SPDX-License-Identifier: Apache-2.0

/// A parsed structured document, such as a YAML file, each part of which knows its line.
///
/// Created by a parser and read by ``Experiment/init(document:directory:)``, whose errors name the line.
public struct Document: Sendable {
    /// The content of a part.
    public enum Content: Sendable {
        /// A scalar: null, a boolean, a number, or a string.
        case scalar(Value)
        /// A list.
        case list([Document])
        /// Named parts, in the order of the document.
        case object([Entry])
    }

    /// A named part.
    public struct Entry: Sendable {
        /// The name.
        public var name: String
        /// The line of the name, from 1; 0 if the document has no lines.
        public var line: Int
        /// The part with that name.
        public var content: Document

        /// Creates a named part.
        public init(name: String, line: Int, content: Document) {
            self.name = name
            self.line = line
            self.content = content
        }
    }

    /// The content.
    public var content: Content
    /// The line, from 1; 0 if the document has no lines.
    public var line: Int
    /// The source text of a scalar, such as `1.10` for the number 1.1; nil if it is unknown.
    public var text: String?

    /// Creates a part of a document.
    public init(_ content: Content, line: Int, text: String? = nil) {
        self.content = content
        self.line = line
        self.text = text
    }

    /// Creates a document without lines.
    public init(_ value: Value) {
        line = 0
        content =
            switch value {
            case .array(let array): .list(array.map { Document($0) })
            case .object(let object):
                .object(object.sorted { $0.key < $1.key }.map { Entry(name: $0, line: 0, content: Document($1)) })
            default: .scalar(value)
            }
    }

    /// The content without lines; of duplicate names, the last.
    public var value: Value {
        switch content {
        case .scalar(let scalar): scalar
        case .list(let list): .array(list.map(\.value))
        case .object(let entries):
            .object(Dictionary(entries.map { ($0.name, $0.content.value) }, uniquingKeysWith: { $1 }))
        }
    }
}

extension Document {
    /// Returns the part at a path of names; nil if there is none.
    private func part(_ path: some Sequence<String>) -> Document? {
        var current = self
        for name in path {
            guard case .object(let entries) = current.content,
                let entry = entries.last(where: { $0.name == name })
            else { return nil }
            current = entry.content
        }
        return current
    }

    /// Returns the line of the innermost existing part at a path of names, or of an element of the list there.
    func line(of path: [String], _ element: Int? = nil) -> Int {
        for count in (0...path.count).reversed() {
            guard let part = part(path.prefix(count)) else { continue }
            if count == path.count, let element, case .list(let list) = part.content, list.indices.contains(element) {
                return list[element].line
            }
            return part.line
        }
        return line
    }
}
