// SPDX-License-Identifier: Apache-2.0

package import SystemPackage

/// The last lines of a program's output, for messages.
package enum LogTail {
    /// Returns the last lines of a log, without control characters and colors, each of at most 500 characters.
    ///
    /// - Parameters:
    ///   - log: The log file.
    ///   - count: The maximum number of lines.
    /// - Returns: The lines; nil if there is no such file.
    /// - Throws: A `PBTError` with code `inputOutput`.
    package static func lines(of log: FilePath, count: Int) throws -> [String]? {
        guard let bytes = try FileSystem.tail(of: log, limit: 1 << 16) else { return nil }
        var lines = bytes.split(separator: 0x0a, omittingEmptySubsequences: false).suffix(count + 1)
        if lines.last?.isEmpty == true { lines.removeLast() }
        return lines.suffix(count).map { line in
            // A progress bar overwrites its line; the last version counts.
            let last = line.split(separator: 0x0d).last ?? []
            let text = printable(String(decoding: last, as: UTF8.self))
            return text.count > 500 ? "\(text.prefix(499))…" : text
        }
    }

    /// Returns the last line that is not blank, without control characters and colors, of at most 200 characters.
    ///
    /// - Parameters:
    ///   - log: The log file.
    ///   - limit: The number of bytes at the end of the file that are read.
    /// - Returns: The line; nil if there is none.
    /// - Throws: A `PBTError` with code `inputOutput`.
    package static func lastLine(of log: FilePath, within limit: Int = 1 << 16) throws -> String? {
        guard let bytes = try FileSystem.tail(of: log, limit: limit) else { return nil }
        return lastLine(in: bytes)
    }

    static func lastLine(in bytes: [UInt8]) -> String? {
        for line in bytes.split(whereSeparator: { $0 == 0x0a || $0 == 0x0d }).reversed() {
            let text = printable(String(decoding: line, as: UTF8.self))
            guard !text.allSatisfy(\.isWhitespace) else { continue }
            return text.count > 200 ? "\(text.prefix(199))…" : text
        }
        return nil
    }

    /// Drops escape sequences (ECMA-48) and all other control characters.
    package static func printable(_ text: String) -> String {
        var result = String.UnicodeScalarView()
        var scalars = text.unicodeScalars[...]
        while let scalar = scalars.popFirst() {
            if scalar == "\u{1b}" {
                if scalars.first == "[" {
                    scalars.removeFirst()
                    // Parameters, then one final byte from @ to ~.
                    while let next = scalars.popFirst(), !("@"..."~").contains(next) {}
                } else {
                    _ = scalars.popFirst()
                }
            } else if scalar == "\t" {
                result.append(" ")
            } else if scalar.properties.generalCategory != .control {
                result.append(scalar)
            }
        }
        return String(String(result).reversed().drop(while: \.isWhitespace).reversed())
    }
}
