// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import HummingbirdCore
import PBT
import PBTHTTP
import PBTServer
import PBTAPI

/// A form that a page of this server posted.
struct Form: Sendable {
    private let encoded: String

    /// Reads a form.
    ///
    /// - Throws: A `PBTError` with code `forbidden` for a form that does not say that a page of this server sent it; a
    ///   ``Problem`` with status 413 or 415.
    init(_ call: Call) async throws {
        guard call.request.isFromThisServer == true else {
            throw PBTError(
                .forbidden,
                "this form did not come from a page of this server (Origin); open the page again, or use the API with a token"
            )
        }
        let type = call.request.headers[.contentType]?.prefix { $0 != ";" }.lowercased() ?? ""
        guard type == "application/x-www-form-urlencoded" else {
            throw Problem(415, "unsupportedMediaType", "this takes a form, as the dashboard's pages send it")
        }
        encoded = String(decoding: try await call.request.bytes(upTo: 64 << 10), as: UTF8.self)
    }

    /// The value of a field; nil without one.
    subscript(name: String) -> String? {
        Query.values(of: name, in: encoded[...]).last
    }

    /// Refuses a form that does not carry the secret of the browser's session.
    ///
    /// - Throws: A `PBTError` with code `forbidden`.
    func checkToken(of request: PageRequest) throws {
        guard let token = self["form_token"], Sessions.matches(token, request.formToken) else {
            throw PBTError(
                .forbidden,
                "this form is out of date: it is from before you signed in, or before the server was started; open the page again"
            )
        }
    }
}
