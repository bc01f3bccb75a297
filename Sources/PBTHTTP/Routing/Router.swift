// SPDX-License-Identifier: Apache-2.0

package import HTTPTypes
package import HummingbirdCore
import PBT
import PBTAPI

/// Something that a router can find.
package protocol Routable: Sendable {
    /// The method; a route for GET also answers HEAD.
    var method: HTTPRequest.Method { get }
    /// The path, with placeholders: `/experiments/{experiment}`; `{path+}` takes the rest.
    var path: String { get }
}

/// Finds the route of a request by its method and path.
///
/// Ours rather than Hummingbird's router, since a name may hold an encoded slash, a wrong method is answered with the
/// right ones, and the OpenAPI document comes from the same list.
package struct Router<Route: Routable>: Sendable {
    private struct Node {
        var children: [String: Node] = [:]
        var placeholder: (name: String, node: [Node])?
        /// The routes that take the rest of the path.
        var rest: (name: String, routes: [String: Route])?
        var routes: [String: Route] = [:]
    }

    /// The result of a lookup.
    package enum Match: Sendable {
        /// A route, and the decoded values of the path's placeholders.
        case found(Route, path: [String: String])
        /// Routes of other methods.
        case wrongMethod(allowed: [String])
        case nothing
        /// A segment is not percent-encoded as it should be.
        case malformed
    }

    private var root = Node()
    /// Its routes, in the order that they were declared.
    package let routes: [Route]

    /// Creates a router; no two routes may have the same method and path.
    package init(_ routes: [Route]) {
        self.routes = routes
        for route in routes {
            Self.insert(route, route.path.split(separator: "/")[...], into: &root)
        }
    }

    private static func insert(_ route: Route, _ segments: ArraySlice<Substring>, into node: inout Node) {
        guard let segment = segments.first else {
            precondition(node.routes[route.method.rawValue] == nil, "\(route.path) is declared twice")
            node.routes[route.method.rawValue] = route
            return
        }
        if segment.hasPrefix("{") {
            let name = segment.dropFirst().dropLast()
            if name.hasSuffix("+") {
                var routes = node.rest?.routes ?? [:]
                routes[route.method.rawValue] = route
                node.rest = (String(name.dropLast()), routes)
                return
            }
            var child = node.placeholder?.node.first ?? Node()
            insert(route, segments.dropFirst(), into: &child)
            node.placeholder = (String(name), [child])
        } else {
            insert(route, segments.dropFirst(), into: &node.children[String(segment), default: Node()])
        }
    }

    /// Finds the route for a method and a path as it was sent: percent-encoded, without a query.
    package func find(_ method: HTTPRequest.Method, _ path: Substring) -> Match {
        guard path.first == "/" else { return .nothing }
        var segments = path.dropFirst().split(separator: "/", omittingEmptySubsequences: false)[...]
        if segments.last?.isEmpty == true, segments.count == 1 { segments = [] }
        return Self.find(method, segments, from: root, [:])
    }

    private static func find(
        _ method: HTTPRequest.Method, _ segments: ArraySlice<Substring>, from node: Node, _ values: [String: String]
    ) -> Match {
        guard let segment = segments.first else { return choose(method, node.routes, values) }
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
        let other = choose(method, rest.routes, values.merging([rest.name: path]) { $1 })
        if case .wrongMethod = match, case .wrongMethod = other { return match }
        return other
    }

    private static func choose(
        _ method: HTTPRequest.Method, _ routes: [String: Route], _ values: [String: String]
    ) -> Match {
        if let route = routes[method.rawValue] { return .found(route, path: values) }
        if method == .head, let route = routes["GET"] { return .found(route, path: values) }
        guard !routes.isEmpty else { return .nothing }
        return .wrongMethod(allowed: (routes.keys + (routes["GET"] == nil ? [] : ["HEAD"])).sorted())
    }
}

extension Router.Match {
    /// Unwraps the match.
    ///
    /// - Parameters:
    ///   - request: The request that it was looked up for.
    ///   - hint: The sentence that tells what there is instead of nothing.
    /// - Returns: The route, and the values of its placeholders.
    /// - Throws: A ``Problem`` with status 404 or 405; a `PBTError` with code `badRequest` for a malformed path.
    package func get(for request: Request, hint: String) throws -> (route: Route, path: [String: String]) {
        switch self {
        case .found(let route, let path): return (route, path)
        case .nothing: throw Problem(404, "noSuchPath", hint)
        case .malformed: throw PBTError(.badRequest, "the path is not percent-encoded UTF-8")
        case .wrongMethod(let allowed):
            let methods = allowed.joined(separator: ", ")
            var problem = Problem(405, "badMethod", "method \(request.method.rawValue) not allowed; use \(methods)")
            problem.headers["Allow"] = methods
            throw problem
        }
    }
}
