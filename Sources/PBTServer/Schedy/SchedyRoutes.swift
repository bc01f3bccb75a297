// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
package import Hummingbird
package import PBT

/// Adds Schedy's protocol to a router.
///
/// Paths are taken as they came, since a name may hold an encoded slash.
///
/// - Parameters:
///   - router: The router.
///   - prefix: Where the service is mounted; begins with a slash and does not end with one.
///   - isSecure: Whether clients come by HTTPS, for the address in a new `client.json`.
///   - longest: How many bytes a body may have.
///   - service: What answers.
package func addSchedyRoutes<Rows: TransactionalStore, Context: RequestContext>(
    to router: some RouterMethods<Context>, at prefix: String = "/schedy", isSecure: Bool = false,
    longest: Int = 16 << 20, service: SchedyService<Rows>
) {
    let methods: [HTTPRequest.Method] = [.get, .put, .post, .delete, .patch, .head, .options]
    for method in methods {
        router.on("\(prefix)/**", method: method) { request, _ -> Response in
            var path = Substring(request.uri.path)
            if path.hasPrefix(prefix) { path = path.dropFirst(prefix.count) }
            let body: [UInt8]
            do {
                body = Array(buffer: try await request.body.collect(upTo: longest))
            } catch {
                return SchedyAnswer(SchedyFailure(413, "the body is longer than \(longest) bytes, or broke off"))
                    .response
            }
            let root = "\(isSecure ? "https" : "http")://\(request.head.authority ?? "localhost")\(prefix)/"
            let answer = await service.answer(
                SchedyRequest(
                    method: request.method, path: path, query: request.uri.query, headers: request.headers, body: body,
                    root: root))
            return answer.response
        }
    }
}

extension SchedyAnswer {
    fileprivate var response: Response {
        Response(
            status: HTTPResponse.Status(code: status), headers: headers,
            body: body.isEmpty ? ResponseBody() : ResponseBody(byteBuffer: ByteBuffer(bytes: body)))
    }
}
