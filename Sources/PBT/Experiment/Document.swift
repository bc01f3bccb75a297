// SPDX-License-Identifier: Apache-2.0

/// A structured text, such as a YAML file, whose every part knows its line.
///
/// Made by whoever parses the text; ``Experiment/init(document:directory:)`` reads it, and its errors name the line.
public struct Document: Sendable {
    /// What a part holds.
    public enum Content: Sendable {
        /// A scalar: null, a truth value, a number, text.
        case scalar(Value)
        /// A list.
        case list([Document])
        /// Named parts, in the order of the text.
        case object([Entry])
    }

    /// A named part.
    public struct Entry: Sendable {
        /// The name.
        public var name: String
        /// The line of the name, from 1; 0 when the text has no lines.
        public var line: Int
        /// What stands under the name.
        public var content: Document

        /// A named part.
        public init(name: String, line: Int, content: Document) {
            self.name = name
            self.line = line
            self.content = content
        }
    }

    /// What it holds.
    public var content: Content
    /// Its line, from 1; 0 when the text has no lines.
    public var line: Int
    /// A scalar as it is written in the text, `1.10` for the number 1.1; none where that is not known.
    public var text: String?

    /// A part of a text.
    public init(_ content: Content, line: Int, text: String? = nil) {
        self.content = content
        self.line = line
        self.text = text
    }

    /// A text without lines.
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

    /// The text's content without its lines; of names that stand twice, the last.
    public var value: Value {
        switch content {
        case .scalar(let scalar): scalar
        case .list(let list): .array(list.map(\.value))
        case .object(let entries):
            .object(Dictionary(entries.map { ($0.name, $0.content.value) }, uniquingKeysWith: { $1 }))
        }
    }
}
