// SPDX-License-Identifier: Apache-2.0

import PBT

/// The limits of names and values in MLflow.
enum MLflowNames {
    /// The maximum length of the name of a metric, parameter or tag, in characters.
    static let nameLimit = 250
    /// The maximum length of a parameter's value.
    static let parameterLimit = 6000
    /// The maximum length of a tag's value.
    static let tagLimit = 5000

    /// Returns a valid MLflow name: letters, digits, `_`, `-`, `.`, spaces and slashes, as a relative path.
    ///
    /// In an invalid name, each character that is not allowed becomes an underscore, and a digest of the whole name is
    /// appended, so that different names stay different.
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

    /// Returns the text, or its beginning if it is too long.
    static func cut(_ text: String, to limit: Int) -> String {
        guard text.unicodeScalars.count > limit else { return text }
        return String(String.UnicodeScalarView(text.unicodeScalars.prefix(limit - 1))) + "…"
    }
}

/// A digest that tells whether the written values are still the current ones.
struct Digest: Sendable, Hashable {
    private var hash = FNV1a()

    mutating func add(_ text: String) {
        hash.update(text.utf8)
    }

    /// The digest as 16 hexadecimal digits.
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
