// SPDX-License-Identifier: Apache-2.0

extension StringProtocol {
    /// The names of a path, separated where the operating system separates them: at every byte `/`.
    ///
    /// Swift's characters are no help here: in `..` + `/` + a combining accent the slash and the accent are one
    /// character, so that a split at the character `/` finds one name, and the operating system two.
    ///
    /// - Parameter isOmittingEmpty: Whether empty names are left out, as the operating system leaves them out.
    /// - Returns: The names, in order.
    package func pathNames(omittingEmpty isOmittingEmpty: Bool = false) -> [String] {
        Array(utf8).split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: isOmittingEmpty)
            .map { String(decoding: $0, as: UTF8.self) }
    }

    /// Whether the operating system takes it for more than one name.
    package var hasSlash: Bool {
        utf8.contains(UInt8(ascii: "/"))
    }
}
