// SPDX-License-Identifier: Apache-2.0

/// A collection of the problems of a document, so that all of them are reported together.
struct Faults {
    private var errors: [DocumentError] = []
    private var excused: Set<String> = []

    /// True if there are no problems so far.
    var isEmpty: Bool { errors.isEmpty }

    /// Adds an error with its ``DocumentError/more``.
    mutating func add(_ error: DocumentError) {
        var first = error
        first.more = []
        for error in [first] + error.more where !excused.contains(error.path) && !errors.contains(error) {
            errors.append(error)
        }
    }

    /// Ignores later errors at a path, so that a value under a misspelled name is not reported as missing too.
    mutating func excuse(_ path: String) {
        excused.insert(path)
    }

    /// Returns the result of the body, or collects its error and returns nil.
    mutating func attempt<Result>(_ body: () throws(DocumentError) -> Result) -> Result? {
        do {
            return try body()
        } catch {
            add(error)
            return nil
        }
    }

    /// Throws the collected problems as one error, in order of line.
    func check() throws(DocumentError) {
        // A stable order: errors of the same line, or without one, stay in the order in which they were found.
        let sorted = errors.enumerated().sorted { ($0.element.line, $0.offset) < ($1.element.line, $1.offset) }
            .map(\.element)
        guard var first = sorted.first else { return }
        first.more = Array(sorted.dropFirst())
        throw first
    }
}
