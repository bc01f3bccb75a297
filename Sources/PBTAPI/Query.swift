// SPDX-License-Identifier: Apache-2.0

package import PBT

/// The query of a URL, or the body of a form: `application/x-www-form-urlencoded`.
package enum Query {
    /// Parses a URL's query.
    ///
    /// - Parameter url: A path with or without a query, as it was sent.
    /// - Returns: The fields; of a repeated name the last.
    /// - Throws: A `PBTError` with code `badRequest` for what is not percent-encoded UTF-8.
    package static func fields(of url: String) throws(PBTError) -> [String: String] {
        var fields: [String: String] = [:]
        for (name, value) in pairs(in: encoded(in: url)) {
            guard let name, let value else { throw PBTError(.badRequest, "the query is not percent-encoded UTF-8") }
            fields[name] = value
        }
        return fields
    }

    /// Finds the values of a name; pairs that are not percent-encoded UTF-8 are skipped.
    ///
    /// - Parameters:
    ///   - name: The decoded name.
    ///   - encoded: A query without its question mark, or a form's body.
    /// - Returns: The values in order.
    package static func values(of name: String, in encoded: Substring) -> [String] {
        pairs(in: encoded).compactMap { $0.name == name ? $0.value : nil }
    }

    /// Returns the query of a URL as it was sent, without its question mark and without a fragment.
    package static func encoded(in url: String) -> Substring {
        url.drop { $0 != "?" }.dropFirst().prefix { $0 != "#" }
    }

    private static func pairs(in encoded: Substring) -> [(name: String?, value: String?)] {
        encoded.split(separator: "&").map { pair in
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            return (decode(parts[0]), parts.count == 2 ? decode(parts[1]) : "")
        }
    }

    private static func decode(_ text: Substring) -> String? {
        PathSegment.decode(text.replacing("+", with: " "))
    }
}
