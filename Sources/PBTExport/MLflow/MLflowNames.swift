// SPDX-License-Identifier: Apache-2.0

import PBT

/// What names and values may be in MLflow.
enum MLflowNames {
    /// The most characters of the name of a metric, parameter or tag.
    static let nameLimit = 250
    /// The most characters of a parameter's value.
    static let parameterLimit = 6000
    /// The most characters of a tag's value.
    static let tagLimit = 5000

    /// A name that MLflow takes: letters, digits, `_`, `-`, `.`, spaces and slashes, as a path within a directory.
    ///
    /// A name that it would not take gets an underscore for each character that is not allowed, and a number made from
    /// the whole name, so that two names stay two.
    static func name(_ text: String) -> String {
        if isAllowed(text) { return text }
        let plain = text.unicodeScalars.map { isAllowed($0) ? String($0) : "_" }.joined()
        let parts = plain.split(separator: "/", omittingEmptySubsequences: false).map { part in
            part.allSatisfy { $0 == "." } ? "_" : String(part)
        }
        return parts.joined(separator: "/").prefix(nameLimit - 17) + "-" + Digest.text(of: text)
    }

    private static func isAllowed(_ name: String) -> Bool {
        name.unicodeScalars.allSatisfy { isAllowed($0) } && name.unicodeScalars.count <= nameLimit
            && name.split(separator: "/", omittingEmptySubsequences: false).allSatisfy { part in
                !part.isEmpty && part != "." && part != ".."
            }
    }

    private static func isAllowed(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "a"..."z", "A"..."Z", "0"..."9", "_", "-", ".", " ", "/": true
        default: false
        }
    }

    /// The text, or its beginning where it is too long.
    static func cut(_ text: String, to limit: Int) -> String {
        guard text.unicodeScalars.count > limit else { return text }
        return String(String.UnicodeScalarView(text.unicodeScalars.prefix(limit - 1))) + "…"
    }
}

/// Tells whether what was written is what would be written now.
struct Digest: Sendable, Hashable {
    private var hash = FNV1a()

    mutating func add(_ text: String) {
        hash.update(text.utf8)
    }

    /// 16 hexadecimal digits.
    var text: String {
        let digits = String(hash.value, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    static func text(of text: String) -> String {
        var digest = Self()
        digest.add(text)
        return digest.text
    }
}
