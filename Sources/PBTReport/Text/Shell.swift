// SPDX-License-Identifier: Apache-2.0

/// Text for a shell.
package enum Shell {
    /// The text as one argument.
    package static func quoted(_ text: String) -> String {
        let isPlain = text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."),
                UInt8(ascii: "/"), UInt8(ascii: "="), UInt8(ascii: ":"), UInt8(ascii: "@"), UInt8(ascii: "{"),
                UInt8(ascii: "}"), UInt8(ascii: ","):
                true
            default: false
            }
        }
        return isPlain && !text.isEmpty && !text.hasPrefix("-") || text.hasPrefix("--") && isPlain
            ? text : "'\(text.replacing("'", with: "'\\''"))'"
    }
}
