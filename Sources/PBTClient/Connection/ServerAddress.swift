// SPDX-License-Identifier: Apache-2.0

public import PBT

/// The address of a `pbt` server: `https://host:7070`.
public struct ServerAddress: Sendable, Hashable, CustomStringConvertible {
    /// True for `https`.
    public let isSecure: Bool
    /// The host name or IP address in lowercase; an IPv6 address is in brackets.
    public let host: String
    /// The port number.
    public let port: Int
    /// The path prefix before `/api`, for a server behind a proxy; empty or with a leading slash.
    public let prefix: String

    /// Parses a URL.
    ///
    /// - Parameter text: `http://HOST[:PORT][/PREFIX]`, or `https://…`.
    /// - Throws: A `PBTError` with code `badValue` that describes the problem without repeating a possible secret.
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
            throw wrong("contains a user or a token, which others can see; put a token into PBT_TOKEN or a file")
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

    /// The URL, without the default port.
    public var description: String {
        let isUsual = port == (isSecure ? 443 : 80)
        return "\(isSecure ? "https" : "http")://\(host)\(isUsual ? "" : ":\(port)")\(prefix)"
    }

    /// A directory name for this server: ASCII letters, digits, `.`, `_`, and `-`.
    package var directoryName: String {
        let name = "\(host)-\(port)\(prefix)"
        return String(
            name.map { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "." || $0 == "-") ? $0 : "_" })
    }
}
