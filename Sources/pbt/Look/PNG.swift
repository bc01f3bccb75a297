// SPDX-License-Identifier: Apache-2.0

import PBT
import Subprocess

/// SVG pictures as PNG, made by `rsvg-convert`.
enum PNG {
    /// The picture at twice its size in pixels, for sharp text.
    ///
    /// - Throws: A ``Failure`` when `rsvg-convert` is not there or fails.
    static func bytes(of svg: String) async throws -> [UInt8] {
        do {
            let result = try await Subprocess.run(
                .name("rsvg-convert"), arguments: ["--format=png", "--zoom=2"], input: .string(svg),
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
                "PNG pictures are made by rsvg-convert, which is not in PATH; install it (Debian, Ubuntu: librsvg2-bin; "
                    + "macOS: brew install librsvg), or write SVG: -o FILE.svg")
        }
    }
}
