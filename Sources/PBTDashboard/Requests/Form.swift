// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import HummingbirdCore
import PBT
import PBTHTTP
import PBTServer
import PBTAPI

/// A form posted by a page of this server.
struct Form: Sendable {
    private let encoded: String

    /// Reads a form.
    ///
    /// - Throws: A `PBTError` with code `forbidden` for a form whose headers do not name this server as its origin; a
    ///   ``Problem`` with status 413 or 415.
    init(_ call: Call) async throws {
        guard call.request.isFromThisServer == true else {
            throw PBTError(
                .forbidden,
                "the form was not sent by a page of this server (Origin); reload the page, or use the API with a token"
            )
        }
        let type = call.request.headers[.contentType]?.prefix { $0 != ";" }.lowercased() ?? ""
        guard type == "application/x-www-form-urlencoded" else {
            throw Problem(415, "unsupportedMediaType", "expected a form, application/x-www-form-urlencoded")
        }
        encoded = String(decoding: try await call.request.bytes(upTo: 64 << 10), as: UTF8.self)
    }

    /// The value of a field; nil without one.
    subscript(name: String) -> String? {
        Query.values(of: name, in: encoded[...]).last
    }

    /// Returns all values of a field, in order.
    func values(_ name: String) -> [String] {
        Query.values(of: name, in: encoded[...])
    }

    /// Checks that a form has the secret of the browser's session.
    ///
    /// - Throws: A `PBTError` with code `forbidden`.
    func checkToken(of request: PageRequest) throws {
        guard let token = self["form_token"], Sessions.matches(token, request.formToken) else {
            throw PBTError(
                .forbidden,
                "the form has expired: you have signed in, or the server has restarted, since it was loaded; reload the page"
            )
        }
    }
}
