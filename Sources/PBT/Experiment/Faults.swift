// SPDX-License-Identifier: Apache-2.0

/// Collects what is wrong with a document, so that all of it is reported at once.
struct Faults {
    private var errors: [DocumentError] = []
    private var excused: Set<String> = []

    /// Whether nothing is wrong so far.
    var isEmpty: Bool { errors.isEmpty }

    /// Adds an error and those that came with it.
    mutating func add(_ error: DocumentError) {
        var first = error
        first.more = []
        for error in [first] + error.more where !excused.contains(error.path) && !errors.contains(error) {
            errors.append(error)
        }
    }

    /// Ignores errors at a place from now on: what is there under a misspelled name is not missing too.
    mutating func excuse(_ path: String) {
        excused.insert(path)
    }

    /// Returns what the body returns, or collects its error and returns nothing.
    mutating func attempt<Result>(_ body: () throws(DocumentError) -> Result) -> Result? {
        do {
            return try body()
        } catch {
            add(error)
            return nil
        }
    }

    /// Throws what was collected as one error, in order of line.
    func check() throws(DocumentError) {
        // A stable order: errors without a line, and of one line, stay as they were found.
        let sorted = errors.enumerated().sorted { ($0.element.line, $0.offset) < ($1.element.line, $1.offset) }
            .map(\.element)
        guard var first = sorted.first else { return }
        first.more = Array(sorted.dropFirst())
        throw first
    }
}
