// SPDX-License-Identifier: Apache-2.0

import LibC

/// Returns an environment variable; nil when it is unset or empty.
func environment(_ name: String) -> String? {
    guard let text = getenv(name) else { return nil }
    let value = String(cString: text)
    return value.isEmpty ? nil : value
}
