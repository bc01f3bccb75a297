// SPDX-License-Identifier: Apache-2.0

public import PBT

/// Where a `pbt` server is: `https://host:7070`.
public struct ServerAddress: Sendable, Hashable, CustomStringConvertible {
    /// Whether it is spoken to over TLS.
    public let isSecure: Bool
    /// The host's name or address, that of IPv6 in brackets; in small letters.
    public let host: String
    /// The port.
    public let port: Int
    /// What comes before `/api` in paths, for a server behind a proxy; empty or with a leading slash.
    public let prefix: String

    /// Reads a URL.
    ///
    /// - Parameter text: `http://HOST[:PORT][/PREFIX]`, or `https://…`.
    /// - Throws: A `PBTError` with code `badValue` that says what is wrong; it does not repeat what might be a secret.
    public init(_ text: String) throws(PBTError) {
        func wrong(_ problem: String) -> PBTError {
            PBTError(.badValue, "the server's address \(problem); write it as https://host:7070")
        }
        guard let colon = text.firstRange(of: "://") else { throw wrong("\"\(text)\" has no https:// or http://") }
        switch text[..<colon.lowerBound].lowercased() {
        case "https": isSecure = true
        case "http": isSecure = false
        default: throw wrong("begins with neither https:// nor http://")
        }
        let rest = text[colon.upperBound...]
        let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        guard !authority.contains("@") else {
            throw wrong("holds a user or a token, which is seen by others; a token belongs into PBT_TOKEN or a file")
        }
        let path = rest[authority.endIndex...]
        guard !path.contains("?"), !path.contains("#"), !text.unicodeScalars.contains(where: { $0.value <= 0x20 })
        else { throw wrong("has a query, a fragment or a space") }
        var host = authority
        var port: Substring?
        if let bracket = authority.lastIndex(of: "]") {
            host = authority[...bracket]
            let after = authority[authority.index(after: bracket)...]
            if after.hasPrefix(":") { port = after.dropFirst() }
        } else if let colon = authority.lastIndex(of: ":") {
            host = authority[..<colon]
            port = authority[authority.index(after: colon)...]
        }
        guard !host.isEmpty else { throw wrong("\"\(text)\" names no host") }
        self.host = host.lowercased()
        if let port {
            guard let number = Int(port), (1...65535).contains(number) else {
                throw wrong("has the port \"\(port)\"; ports are 1 to 65535")
            }
            self.port = number
        } else {
            self.port = isSecure ? 443 : 80
        }
        var trimmed = path
        while trimmed.hasSuffix("/") { trimmed.removeLast() }
        prefix = String(trimmed)
    }

    /// The URL, without what goes without saying.
    public var description: String {
        let isUsual = port == (isSecure ? 443 : 80)
        return "\(isSecure ? "https" : "http")://\(host)\(isUsual ? "" : ":\(port)")\(prefix)"
    }

    /// A name for a directory that belongs to this server: letters, digits, `.`, `_` and `-`.
    package var directoryName: String {
        let name = "\(host)-\(port)\(prefix)"
        return String(
            name.map { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "." || $0 == "-") ? $0 : "_" })
    }
}
