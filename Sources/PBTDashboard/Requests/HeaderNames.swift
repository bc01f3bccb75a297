// SPDX-License-Identifier: Apache-2.0

import HTTPTypes

extension HTTPField.Name {
    static let contentSecurityPolicy = Self("Content-Security-Policy") ?? .contentType
    static let referrerPolicy = Self("Referrer-Policy") ?? .contentType
}
