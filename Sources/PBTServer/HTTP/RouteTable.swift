// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import PBTAPI

/// Finds the endpoint of a request.
///
/// Ours rather than Hummingbird's router, since a name may hold an encoded slash, a wrong method is answered with the
/// right ones, and the OpenAPI document comes from the same list.
struct RouteTable: Sendable {
    private struct Node {
        var children: [String: Node] = [:]
        var placeholder: (name: String, node: [Node])?
        var rest: String?
        var endpoints: [String: Endpoint] = [:]
    }

    enum Match {
        case found(Endpoint, path: [String: String])
        case wrongMethod(allowed: [String])
        case nothing
        /// A segment is not percent-encoded as it should be.
        case malformed
    }

    private var root = Node()
    let endpoints: [Endpoint]

    init(_ endpoints: [Endpoint]) {
        self.endpoints = endpoints
        for endpoint in endpoints {
            Self.insert(endpoint, endpoint.path.split(separator: "/")[...], into: &root)
        }
    }

    private static func insert(_ endpoint: Endpoint, _ segments: ArraySlice<Substring>, into node: inout Node) {
        guard let segment = segments.first else {
            precondition(node.endpoints[endpoint.method.rawValue] == nil, "\(endpoint.path) stands twice")
            node.endpoints[endpoint.method.rawValue] = endpoint
            return
        }
        if segment.hasPrefix("{") {
            let name = segment.dropFirst().dropLast()
            if name.hasSuffix("+") {
                node.rest = String(name.dropLast())
                node.endpoints[endpoint.method.rawValue] = endpoint
                return
            }
            var child = node.placeholder?.node.first ?? Node()
            insert(endpoint, segments.dropFirst(), into: &child)
            node.placeholder = (String(name), [child])
        } else {
            insert(endpoint, segments.dropFirst(), into: &node.children[String(segment), default: Node()])
        }
    }

    private func allowed(at node: Node) -> [String] {
        (Array(node.endpoints.keys) + (node.endpoints["GET"] == nil ? [] : ["HEAD"])).sorted()
    }

    /// Finds the endpoint for a method and a path as it was sent: percent-encoded, without a query.
    func find(_ method: HTTPRequest.Method, _ path: Substring) -> Match {
        var node = root
        var values: [String: String] = [:]
        guard path.first == "/" else { return .nothing }
        var segments = path.dropFirst().split(separator: "/", omittingEmptySubsequences: false)[...]
        if segments.last?.isEmpty == true, segments.count == 1 { segments = [] }
        while let segment = segments.first {
            if let child = node.children[String(segment)] {
                node = child
            } else if let placeholder = node.placeholder, let child = placeholder.node.first {
                guard let value = PathSegment.decode(segment) else { return .malformed }
                guard !value.isEmpty else { return .nothing }
                values[placeholder.name] = value
                node = child
            } else if let rest = node.rest {
                let decoded = segments.map { PathSegment.decode($0) }
                guard !decoded.contains(nil) else { return .malformed }
                values[rest] = decoded.compactMap(\.self).joined(separator: "/")
                segments = []
                break
            } else {
                return .nothing
            }
            segments.removeFirst()
        }
        if let endpoint = node.endpoints[method.rawValue] { return .found(endpoint, path: values) }
        if method == .head, let endpoint = node.endpoints["GET"] { return .found(endpoint, path: values) }
        return node.endpoints.isEmpty ? .nothing : .wrongMethod(allowed: allowed(at: node))
    }
}
