// SPDX-License-Identifier: Apache-2.0

import LibC
import Subprocess
import SystemPackage

/// Converts SVG to PNG with `rsvg-convert`.
enum PNG {
    /// Returns the image at twice its size in pixels, for sharp text.
    ///
    /// - Throws: A ``Failure`` when `rsvg-convert` is not installed or fails.
    static func bytes(of svg: String) async throws -> [UInt8] {
        // An unlinked file rather than a pipe: a converter that exits early would cause SIGPIPE.
        guard let file = tmpfile() else {
            throw Failure(.cannotWrite, "cannot create a temporary file: \(Errno(rawValue: errno))")
        }
        defer { fclose(file) }
        let picture = FileDescriptor(rawValue: fileno(file))
        do {
            try picture.writeAll(svg.utf8)
            try picture.seek(offset: 0, from: .start)
        } catch {
            throw Failure(.cannotWrite, "cannot write a temporary file: \(error)")
        }
        do {
            let result = try await Subprocess.run(
                .name("rsvg-convert"), arguments: ["--format=png", "--zoom=2"],
                input: .fileDescriptor(picture, closeAfterSpawningProcess: false),
                output: .bytes(limit: 1 << 28), error: .string(limit: 1 << 16))
            guard result.terminationStatus.isSuccess else {
                let said = result.standardError.split(separator: "\n").first.map { ": \($0)" } ?? ""
                throw Failure(
                    .internalError, "rsvg-convert failed (\(result.terminationStatus))\(said); write SVG: -o FILE.svg")
            }
            return result.standardOutput
        } catch let error as SubprocessError where error.code == .executableNotFound {
            throw Failure(
                .unreachable,
                "PNG output needs rsvg-convert, which is not in PATH; install it (Debian, Ubuntu: librsvg2-bin; "
                    + "macOS: brew install librsvg), or write SVG: -o FILE.svg")
        }
    }
}
