// SPDX-License-Identifier: Apache-2.0

import PBT
import Testing

@Suite("Shell words") struct ShellTests {
    @Test(
        arguments: [
            ("toy", "toy"), ("a-b_c.d/e:f@g=h,i", "a-b_c.d/e:f@g=h,i"), ("{lr}", "{lr}"), ("--lr", "--lr"),
            ("", "''"), ("two words", "'two words'"), ("it's", "'it'\\''s'"), ("$(rm -r x)", "'$(rm -r x)'"),
            ("{a,b}", "'{a,b}'"), ("{1..3}", "'{1..3}'"), ("=ls", "'=ls'"), ("~/x", "'~/x'"), ("a;b", "'a;b'"),
            ("größe", "'größe'"), ("a\nb'c\\", "$'a\\nb\\'c\\\\'"), ("\u{1b}[0m", "$'\\033[0m'"),
            ("a\u{202e}b", "$'a\\342\\200\\256b'"),
        ])
    func `a text becomes one word`(_ text: String, _ word: String) {
        #expect(Shell.quoted(text) == word)
    }
}
