// SPDX-License-Identifier: Apache-2.0

/// A problem in a document, with its place.
public struct DocumentError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The line, from 1; 0 if there is none.
    public var line: Int
    /// The path within the document, as names joined by periods: `space.learning_rate`.
    public var path: String
    /// A description of the problem and of a valid value.
    public var problem: String
    /// Further problems of the same document, in order of line.
    public var more: [DocumentError] = []

    /// Creates an error.
    public init(line: Int, path: String, problem: String) {
        self.line = line
        self.path = path
        self.problem = problem
    }

    /// This error and those in ``more``, each as one sentence, without the file's name.
    public var description: String {
        ([self] + more).map(\.sentence).joined(separator: "; ")
    }

    private var sentence: String {
        let place = path.isEmpty ? "" : "\(path): "
        return line > 0 ? "line \(line): \(place)\(problem)" : "\(place)\(problem)"
    }
}
