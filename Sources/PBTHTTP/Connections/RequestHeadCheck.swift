// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOHTTP1

/// Refuses requests that two programs could read in two ways (RFC 9112): the way in for request smuggling.
///
/// NIO's parser refuses most of them; this sees to what it lets pass.
final class RequestHeadCheck: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart

    private var isOver = false

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isOver else { return }
        guard case .head(var head) = unwrapInboundIn(data) else { return context.fireChannelRead(data) }
        if let problem = Self.problem(of: head) {
            isOver = true
            context.fireErrorCaught(ConnectionProblem.invalid(problem))
            return
        }
        // What reads the head next does not know the version, and HTTP/1.0 ends a response by closing the connection. Of an
        // upgrade, which there is none, the parser takes what follows the head for another protocol.
        let connection = head.headers[canonicalForm: "Connection"].map { $0.lowercased() }
        if (head.version.isOld && !connection.contains("keep-alive")) || head.headers.contains(name: "Upgrade") {
            head.headers.replaceOrAdd(name: "Connection", value: "close")
        }
        context.fireChannelRead(wrapInboundOut(.head(head)))
    }

    /// Returns the problem with a head; nil for a valid one.
    static func problem(of head: HTTPRequestHead) -> String? {
        hostProblem(head) ?? targetProblem(head) ?? framingProblem(head)
    }

    private static func hostProblem(_ head: HTTPRequestHead) -> String? {
        let hosts = head.headers["Host"]
        if hosts.count > 1 { return "the request has \(hosts.count) Host fields; send one" }
        guard let host = hosts.first else {
            return !head.version.isOld ? "the request has no Host field, which HTTP/1.1 needs" : nil
        }
        guard isHost(host) else { return "Host is not a host with an optional port: \"\(host.prefix(100))\"" }
        return nil
    }

    /// Returns true if a text is a host or an address with an optional port (RFC 3986, 3.2.2).
    private static func isHost(_ text: String) -> Bool {
        var host = text[...]
        if let colon = host.lastIndex(of: ":"), !host.hasSuffix("]") {
            guard host[host.index(after: colon)...].utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
                return false
            }
            host = host[..<colon]
        }
        if host.hasPrefix("[") {
            return host.hasSuffix("]")
                && host.dropFirst().dropLast().utf8.allSatisfy {
                    Character(UnicodeScalar($0)).isHexDigit || $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: ".")
                }
        }
        return host.utf8.allSatisfy {
            (0x30...0x39).contains($0) || (0x41...0x5a).contains($0 & 0xdf) || "-._~%!$&'()*+,;=".utf8.contains($0)
        }
    }

    private static func targetProblem(_ head: HTTPRequestHead) -> String? {
        let uri = head.uri
        if uri.hasPrefix("/") || (uri == "*" && head.method == .OPTIONS) { return nil }
        guard let mark = uri.firstRange(of: "://"), ["http", "https"].contains(uri[..<mark.lowerBound].lowercased())
        else {
            return "the request's target must be a path that begins with /, not \"\(uri.prefix(100))\""
        }
        let authority = uri[mark.upperBound...].prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        guard let host = head.headers.first(name: "Host"), host.lowercased() == authority.lowercased() else {
            return "the request's target and its Host field name different servers"
        }
        return nil
    }

    private static func framingProblem(_ head: HTTPRequestHead) -> String? {
        let codings = head.headers["Transfer-Encoding"]
        if !codings.isEmpty {
            guard !head.version.isOld else { return "HTTP/1.0 has no Transfer-Encoding" }
            guard codings.count == 1, codings[0].lowercased() == "chunked" else {
                return "Transfer-Encoding must be chunked, and nothing else"
            }
            if head.headers.contains(name: "Content-Length") {
                return "the request has both Transfer-Encoding and Content-Length; send one"
            }
        }
        let lengths = head.headers["Content-Length"]
        if lengths.count > 1 { return "the request has \(lengths.count) Content-Length fields; send one" }
        guard lengths.allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy { (0x30...0x39).contains($0) } }) else {
            return "Content-Length must be digits only"
        }
        return nil
    }
}

extension HTTPVersion {
    /// True if the version is older than HTTP/1.1.
    fileprivate var isOld: Bool { (major, minor) < (1, 1) }
}
