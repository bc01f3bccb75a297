// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
package import HummingbirdCore

extension Request {
    /// True if a page of this server sent the request; nil if the request does not say where it comes from.
    ///
    /// Browsers say where a request comes from (Fetch Metadata, and `Origin` in RFC 6454); programs say nothing.
    package var isFromThisServer: Bool? {
        if let site = headers[.secFetchSite] {
            // "none": the user typed the address.
            return site == "same-origin" || site == "none"
        }
        guard let origin = headers[.origin] else { return nil }
        return origin.firstRange(of: "://").map { String(origin[$0.upperBound...]) } == head.authority
    }
}
