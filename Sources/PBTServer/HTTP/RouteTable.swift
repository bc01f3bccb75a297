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
        /// What takes all that is left of the path.
        var rest: (name: String, endpoints: [String: Endpoint])?
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
                var endpoints = node.rest?.endpoints ?? [:]
                endpoints[endpoint.method.rawValue] = endpoint
                node.rest = (String(name.dropLast()), endpoints)
                return
            }
            var child = node.placeholder?.node.first ?? Node()
            insert(endpoint, segments.dropFirst(), into: &child)
            node.placeholder = (String(name), [child])
        } else {
            insert(endpoint, segments.dropFirst(), into: &node.children[String(segment), default: Node()])
        }
    }

    /// Finds the endpoint for a method and a path as it was sent: percent-encoded, without a query.
    func find(_ method: HTTPRequest.Method, _ path: Substring) -> Match {
        guard path.first == "/" else { return .nothing }
        var segments = path.dropFirst().split(separator: "/", omittingEmptySubsequences: false)[...]
        if segments.last?.isEmpty == true, segments.count == 1 { segments = [] }
        return Self.find(method, segments, from: root, [:])
    }

    private static func find(
        _ method: HTTPRequest.Method, _ segments: ArraySlice<Substring>, from node: Node, _ values: [String: String]
    ) -> Match {
        guard let segment = segments.first else { return choose(method, node.endpoints, values) }
        var match = Match.nothing
        if let child = node.children[String(segment)] {
            match = find(method, segments.dropFirst(), from: child, values)
        } else if let placeholder = node.placeholder, let child = placeholder.node.first {
            guard let value = PathSegment.decode(segment) else { return .malformed }
            guard !value.isEmpty else { return .nothing }
            match = find(method, segments.dropFirst(), from: child, values.merging([placeholder.name: value]) { $1 })
        }
        if case .found = match { return match }
        guard let rest = node.rest else { return match }
        // A file may bear the name of a verb.
        let decoded = segments.map { PathSegment.decode($0) }
        guard !decoded.contains(nil) else { return .malformed }
        let path = decoded.compactMap(\.self).joined(separator: "/")
        let other = choose(method, rest.endpoints, values.merging([rest.name: path]) { $1 })
        if case .wrongMethod = match, case .wrongMethod = other { return match }
        return other
    }

    private static func choose(
        _ method: HTTPRequest.Method, _ endpoints: [String: Endpoint], _ values: [String: String]
    ) -> Match {
        if let endpoint = endpoints[method.rawValue] { return .found(endpoint, path: values) }
        if method == .head, let endpoint = endpoints["GET"] { return .found(endpoint, path: values) }
        guard !endpoints.isEmpty else { return .nothing }
        return .wrongMethod(allowed: (endpoints.keys + (endpoints["GET"] == nil ? [] : ["HEAD"])).sorted())
    }
}
