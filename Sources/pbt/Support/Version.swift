// SPDX-License-Identifier: Apache-2.0

/// The version of this package.
enum Version {
    /// The version number, which the Python client shares: `Scripts/check-version` compares the two.
    static let current = "0.2.0"
}
