// SPDX-License-Identifier: Apache-2.0

import PBTReport

extension TextTable {
    /// Prints the table to standard output, fitted to the terminal's width; elsewhere in full.
    ///
    /// - Throws: A ``Failure`` when it cannot be written.
    func print() throws {
        let terminal = Terminal.output
        try Output.write(
            text(width: terminal.width, isASCII: !terminal.isUTF8) { terminal.styled($0, .bold) })
    }
}
