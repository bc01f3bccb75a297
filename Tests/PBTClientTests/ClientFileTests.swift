// SPDX-License-Identifier: Apache-2.0

import ServerTestSupport
import Foundation
import PBT
import PBTTesting
import SystemPackage
import Testing

@testable import PBTClient

@Suite struct `The client's token` {
    let address: ServerAddress

    private func write(_ text: String, to path: FilePath, mode: UInt32) throws {
        // The mode of a new file depends on the umask, so it is set afterwards.
        try Data(text.utf8).write(to: URL(filePath: path.string))
        try FileManager.default.setAttributes([.posixPermissions: Int(mode)], ofItemAtPath: path.string)
    }

    init() throws {
        address = try ServerAddress("https://host:7070")
    }

    private func withFile(
        _ text: String, mode: UInt32 = 0o600,
        _ body: (_ path: String, _ environment: [String: String]) async throws -> Void
    ) async throws {
        try await withTemporaryDirectory { directory in
            let path = FilePath(directory).appending("client.json")
            try write(text, to: path, mode: mode)
            try await body(path.string, ["PBT_CONFIG": path.string])
        }
    }

    @Test func `comes from the file for the server that the file names, and goes to no other`() async throws {
        try await withFile(#"{"server": "https://HOST:7070/", "token": "pbt_1"}"#) { _, environment in
            let own = try ClientConfiguration(for: address, environment: environment)
            #expect(own.token == "pbt_1")
            for other in ["https://host:7071", "http://host:7070", "https://other:7070"] {
                let address = try ServerAddress(other)
                let foreign = try ClientConfiguration(for: address, environment: environment)
                #expect(foreign.token == nil)
            }
        }
    }

    @Test func `of the environment comes before the file`() async throws {
        try await withFile(#"{"server": "https://host:7070", "token": "pbt_1"}"#) { _, environment in
            let both = environment.merging(["PBT_TOKEN": "pbt_2"]) { $1 }
            let configuration = try ClientConfiguration(for: address, environment: both)
            #expect(configuration.token == "pbt_2")
        }
    }

    @Test(arguments: [0o644, 0o640, 0o604, 0o660] as [UInt32])
    func `is not taken from a file that others may read`(_ mode: UInt32) async throws {
        try await withFile(#"{"server": "https://host:7070", "token": "pbt_1"}"#, mode: mode) { path, environment in
            let error = #expect(throws: PBTError.self) {
                try ClientConfiguration(for: address, environment: environment)
            }
            #expect(error?.message.contains("fix it with: chmod 600 \(path)") == true)
            #expect(error?.message.contains("pbt_1") == false)
        }
    }

    @Test(arguments: [
        "", "[]", #"{"token": "pbt_1"}"#, #"{"server": "https://h", "token": ""}"#,
        #"{"server": "h", "token": "pbt_1"}"#,
    ])
    func `is not guessed from a file of another form`(_ text: String) async throws {
        try await withFile(text) { path, environment in
            let error = #expect(throws: PBTError.self) {
                try ClientConfiguration(for: address, environment: environment)
            }
            #expect(error?.code == .badValue)
            #expect(error?.message.hasPrefix(path) == true)
            #expect(error?.message.contains("pbt_1") == false)
        }
    }

    @Test func `may be missing, unless a file is named that is not there`() throws {
        #expect(try ClientConfiguration(for: address, environment: [:]).token == nil)
        #expect(try ClientConfiguration(for: address, environment: ["HOME": "/nowhere"]).token == nil)
        #expect(throws: PBTError.self) {
            try ClientConfiguration(for: address, environment: ["PBT_CONFIG": "/nowhere/client.json"])
        }
    }

    @Test func `with a line break is refused, and not repeated`() {
        let error = #expect(throws: PBTError.self) {
            try ClientConfiguration(for: address, environment: ["PBT_TOKEN": "pbt_1\nX-Other: 1"])
        }
        #expect(error?.message.contains("pbt_1") == false)
    }
}
