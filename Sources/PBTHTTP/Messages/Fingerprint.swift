// SPDX-License-Identifier: Apache-2.0

import PBT

/// A short text that changes with some bytes: for versions and entity tags, not for secrets.
package enum Fingerprint {
    /// Returns the text for some bytes.
    package static func text(of bytes: [UInt8]) -> String {
        String(FNV1a(bytes).value, radix: 36)
    }
}
