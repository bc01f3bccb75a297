// SPDX-License-Identifier: Apache-2.0

/// What is wrong with a document, and where.
public struct DocumentError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The line, from 1; 0 when there is none.
    public var line: Int
    /// Where in the structure, as names joined by points: `space.learning_rate`.
    public var path: String
    /// What is wrong and what would be right.
    public var problem: String
    /// What else is wrong with the same document, in order of line.
    public var more: [DocumentError] = []

    /// What is wrong, and where.
    public init(line: Int, path: String, problem: String) {
        self.line = line
        self.path = path
        self.problem = problem
    }

    /// The error and ``more``, each as one sentence for a person, without the file's name.
    public var description: String {
        ([self] + more).map(\.sentence).joined(separator: "; ")
    }

    private var sentence: String {
        let place = path.isEmpty ? "" : "\(path): "
        return line > 0 ? "line \(line): \(place)\(problem)" : "\(place)\(problem)"
    }
}
