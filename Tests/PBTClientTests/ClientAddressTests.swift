// SPDX-License-Identifier: Apache-2.0

import ServerTestSupport
import PBT
import Testing

@testable import PBTClient

@Suite struct `A server's address` {
    @Test(arguments: [
        ("https://host:7070", "https://host:7070"), ("http://HOST", "http://host"), ("https://h/pbt/", "https://h/pbt"),
        ("http://[::1]:80", "http://[::1]"), ("HTTPS://127.0.0.1:443", "https://127.0.0.1"),
    ])
    func `is read, and written without what goes without saying`(_ text: String, _ expected: String) throws {
        #expect(try ServerAddress(text).description == expected)
    }

    @Test(arguments: [
        ("host:7070", "has no https://"), ("ftp://host", "neither"), ("http://", "names no host"),
        ("http://h:0", "ports are 1 to 65535"), ("http://h:x", "ports are"), ("http://h/?a=1", "a query"),
        ("http://h /x", "a space"),
    ])
    func `is refused with what to write`(_ text: String, _ expected: String) {
        let error = #expect(throws: PBTError.self) { try ServerAddress(text) }
        #expect(error?.message.contains(expected) == true, "\(error?.message ?? "")")
        #expect(error?.message.hasSuffix("write it as https://host:7070") == true)
    }

    @Test func `with a secret in it is refused, and the secret not repeated`() {
        let error = #expect(throws: PBTError.self) { try ServerAddress("https://me:hunter2@host") }
        #expect(error?.message.contains("hunter2") == false)
        #expect(error?.message.contains("PBT_TOKEN") == true)
    }
}
