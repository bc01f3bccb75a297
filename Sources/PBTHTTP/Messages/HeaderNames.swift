// SPDX-License-Identifier: Apache-2.0

package import HTTPTypes

extension HTTPField.Name {
    package static let idempotencyKey = Self("Idempotency-Key") ?? .from
    package static let lastEventID = Self("Last-Event-ID") ?? .from
    package static let uploadOffset = Self("Upload-Offset") ?? .from
    package static let secFetchSite = Self("Sec-Fetch-Site") ?? .origin
    package static let xContentTypeOptions = Self("X-Content-Type-Options") ?? .contentType
}
