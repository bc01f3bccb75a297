// SPDX-License-Identifier: Apache-2.0

import PBTReport

extension TextTable {
    /// Writes the table to standard output as wide as the terminal is, or whole when that is no terminal.
    ///
    /// - Throws: A ``Failure`` when it cannot be written.
    func print() throws {
        let terminal = Terminal.output
        try Output.write(
            text(width: terminal.width, isASCII: !terminal.isUTF8) { terminal.styled($0, .bold) })
    }
}
