// SPDX-License-Identifier: Apache-2.0

extension StringProtocol {
    /// Returns the components of a path, split like the operating system does: at every byte `/`.
    ///
    /// Swift's characters do not work here: in `..` + `/` + a combining accent, the slash and the accent are one
    /// character, so splitting at the character `/` finds one component, and the operating system two.
    ///
    /// - Parameter isOmittingEmpty: If true, empty components are left out, as by the operating system.
    /// - Returns: The components, in order.
    package func pathNames(omittingEmpty isOmittingEmpty: Bool = false) -> [String] {
        Array(utf8).split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: isOmittingEmpty)
            .map { String(decoding: $0, as: UTF8.self) }
    }

    /// True if the operating system would split it into several components.
    package var hasSlash: Bool {
        utf8.contains(UInt8(ascii: "/"))
    }
}
