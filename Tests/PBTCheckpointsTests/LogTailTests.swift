// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import PBTCheckpoints

@Suite struct `Messages about a program` {
    @Test(arguments: [
        ("a\nb\n\n  \n", "b"), ("10%\r20%\r", "20%"), ("\u{1b}[31mred\u{1b}[0m!\u{7}\n", "red!"), ("a\tb \n", "a b"),
        ("\u{1b}]0\n", "0"), (String(repeating: "x", count: 300), String(repeating: "x", count: 199) + "…"),
    ])
    func `quote the last line that says something`(_ output: String, _ line: String) {
        #expect(LogTail.lastLine(in: Array(output.utf8)) == line)
    }
}
