// SPDX-License-Identifier: Apache-2.0

import SystemPackage

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Writes a line to standard error; a closed pipe must not stop the training.
func note(_ line: String) {
    do {
        try FileDescriptor.standardError.writeAll("\(line)\n".utf8)
    } catch {
        return
    }
}

/// Writes a text into a new file, or over an old one.
func write(_ text: String, to path: FilePath) throws {
    let file = try FileDescriptor.open(
        path, .writeOnly, options: [.create, .truncate], permissions: [.ownerReadWrite, .groupRead, .otherRead])
    _ = try file.closeAfter { try file.writeAll(text.utf8) }
}

/// The directory that the command was started in.
var currentDirectory: String { FileManager.default.currentDirectoryPath }

/// Creates a temporary directory, and deletes it after `body`.
func withTemporaryDirectory<Result>(_ body: (FilePath) async throws -> Result) async throws -> Result {
    let directory = FileManager.default.temporaryDirectory.appending(path: "swift-example-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    let result: Result
    do {
        result = try await body(FilePath(directory.path(percentEncoded: false)))
    } catch {
        try FileManager.default.removeItem(at: directory)
        throw error
    }
    try FileManager.default.removeItem(at: directory)
    return result
}

/// A number with that many digits after the point.
func fixed(_ number: Double, decimals: Int) -> String {
    let scale = (0..<decimals).reduce(1.0) { scale, _ in scale * 10 }
    let scaled = (number.magnitude * scale).rounded()
    guard scaled < 0x1p53 else { return "\(number)" }
    let digits = String(Int64(scaled))
    let padded = String(repeating: "0", count: max(0, decimals + 1 - digits.count)) + digits
    let text = decimals == 0 ? padded : "\(padded.dropLast(decimals)).\(padded.suffix(decimals))"
    return number < 0 && scaled > 0 ? "-\(text)" : text
}

/// A number with four significant digits, at most eight of them after the point.
func shortened(_ number: Double) -> String {
    var decimals = 3
    var magnitude = number.magnitude
    while magnitude >= 10, decimals > 0 { (magnitude, decimals) = (magnitude / 10, decimals - 1) }
    while magnitude < 1, decimals < 8 { (magnitude, decimals) = (magnitude * 10, decimals + 1) }
    return fixed(number, decimals: decimals)
}

/// A text table with numbers aligned to the right.
struct Table {
    /// The column headings.
    let titles: [String]
    /// The rows, one text a column.
    var rows: [[String]] = []

    /// A table without rows.
    init(_ titles: [String]) {
        self.titles = titles
    }

    private func lines(between: String, start: String, end: String) -> [String] {
        let all = [titles] + rows
        let widths = titles.indices.map { column in all.map { $0[column].count }.max() ?? 0 }
        return all.map { row in
            let cells = zip(row, widths).map { String(repeating: " ", count: $1 - $0.count) + $0 }
            return start + cells.joined(separator: between) + end
        }
    }

    /// The table for a terminal.
    var text: String { lines(between: "  ", start: "  ", end: "").joined(separator: "\n") }

    /// The table in Markdown, ending in a line feed.
    var markdown: String {
        var lines = lines(between: " | ", start: "| ", end: " |")
        lines.insert("|" + String(repeating: " ---: |", count: titles.count), at: 1)
        return lines.joined(separator: "\n") + "\n"
    }
}
