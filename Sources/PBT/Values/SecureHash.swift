// SPDX-License-Identifier: Apache-2.0

import Crypto

/// SHA-256 for targets that do not import Crypto.
package enum SecureHash {
    /// Returns the SHA-256 digest of bytes, 32 bytes long.
    package static func sha256(_ bytes: [UInt8]) -> [UInt8] {
        Array(SHA256.hash(data: bytes))
    }
}
