// SPDX-License-Identifier: Apache-2.0

import PBT
import SystemPackage
import Testing

@Suite("A checkpoint that is downloaded")
struct DownloadTests {
    @Test func `the best's is copied into a new directory, and another interval's by its name`() async throws {
        let place = try Workplace()
        try place.experiment(population: 2, intervals: 2)
        #expect(try await place.pbt("run", "toy.yaml").code == 0)
        let path = try await place.pbt("best", "toy", "--path").output.split(separator: "\n").joined()
        let saved = try await place.pbt("best", "toy", "--download", "here")
        #expect(saved.code == 0, "\(saved.error)")
        let copied = try await Command.shell(["-c", "diff -r \"$0\" here", path], in: place.directory)
        #expect(copied.code == 0, "\(copied.output)")
        let again = try await place.pbt("download", "toy", "here")
        #expect(again.code == 73)
        #expect(again.error == "error: here already exists; name a directory that does not\n")
        let other = try await place.pbt("download", "toy", "new/there", "--interval", "0@1", "--json")
        #expect(other.code == 0, "\(other.error)")
        #expect(try Value(json: other.output)["interval"] == 1)
    }

    @Test func `a clone has the definition under another name and begins anew`() async throws {
        let place = try Workplace()
        try place.experiment(population: 2, intervals: 1, more: "baseline: random_search")
        #expect(try await place.pbt("run", "toy.yaml").code == 0)
        let cloned = try await place.pbt("clone", "toy", "copy", "--seed", "3")
        #expect(cloned.code == 0, "\(cloned.error)")
        #expect(try await place.show("copy")["intervals"]?["waiting"] == 2)
        #expect(try await place.show("copy.random_search")["intervals"]?["waiting"] == 2)
        #expect(try await place.pbt("clone", "toy", "copy").code == 65)
    }
}
