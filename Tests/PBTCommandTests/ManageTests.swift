// SPDX-License-Identifier: Apache-2.0

import Foundation
import PBT
import Testing

@Suite(.timeLimit(.minutes(10))) struct ManageTests {
    @Test func `what is queued by hand is what a founder trains with`() async throws {
        let place = try Workplace()
        try place.experiment(population: 3, intervals: 1)
        let created = try await place.pbt("create", "toy.yaml", "--json")
        #expect(try Value(json: created.output)["created"] == true)
        #expect(try await place.pbt("push", "toy", "x=0.25").output == "member 0 will train x 0.25\n")
        #expect(try Value(json: try await place.pbt("push", "toy", "x=1", "--json").output)["member"] == 1)
        #expect(try await place.pbt("run", "toy.yaml").code == 0)
        let members = try #require(try await place.show("toy")["members"]?.array)
        #expect(members[0]["score"]?.double == 0.25)
        #expect(members[1]["score"]?.double == 1)
        let late = try await place.pbt("create", "toy.yaml")
        #expect(late.output == "toy already exists in \(place.path("pbt.sqlite")); it is finished\n")
    }

    @Test func `a manual search trains what is queued`() async throws {
        let place = try Workplace()
        try place.write(
            """
            name: hand
            kind: manual
            objective: {metric: score, goal: maximize}
            intervals: 2
            space: {x: {uniform: [0, 1]}}
            initial: [{x: 0.5}]
            command: [/bin/sh, sum.sh]
            """, to: "hand.yaml")
        #expect(try await place.pbt("create", "hand.yaml").code == 0)
        #expect(try await place.pbt("push", "hand", "x=0.75").output == "member 1 will train x 0.75\n")
        let again = try await place.pbt("create", "hand.yaml")
        #expect(again.code == 0, "\(again.error)")
        #expect(try await place.show("hand")["population"] == 2)
        let run = try await place.pbt("run", "hand.yaml")
        #expect(run.code == 0, "\(run.error)")
        #expect(run.output.hasPrefix("hand running: best member 1@1, score 1.500, after "))
        #expect(try await place.pbt("push", "hand", "x=1").output == "member 2 will train x 1\n")
        #expect(try await place.pbt("worker", "pbt.sqlite").code == 0)
        #expect(try await place.show("hand")["intervals"]?["done"] == 6)
    }

    @Test func `what is queued by hand is queued for the random search too`() async throws {
        let place = try Workplace()
        try place.experiment(population: 2, intervals: 1, more: "baseline: random_search")
        #expect(try await place.pbt("create", "toy.yaml").code == 0)
        let pushed = try await place.pbt("push", "toy", "x=0.25")
        #expect(pushed.error.isEmpty)
        #expect(try await place.pbt("run", "toy.yaml").code == 0)
        for name in ["toy", "toy.random_search"] {
            #expect(try await place.show(name)["members"]?.array?[0]["score"] == 0.25)
        }
    }

    @Test func `rm deletes an experiment with its baseline and its files, and nothing else`() async throws {
        let place = try Workplace()
        try place.experiment(more: "baseline: random_search")
        try place.experiment("other")
        for name in ["toy", "other"] { #expect(try await place.pbt("run", "\(name).yaml").code == 0) }
        let removed = try await place.pbt("rm", "-f", "toy")
        #expect(removed.code == 0)
        #expect(removed.output.hasPrefix("deleted toy and toy.random_search, "))
        #expect(try place.names(in: "pbt.data") == ["other"])
        #expect(try await place.pbt("show", "toy").code == 66)
        #expect(try await place.pbt("show", "other").code == 0)
    }

    @Test func `rm leaves what is being trained`() async throws {
        let place = try Workplace()
        try place.experiment(trainer: "gated.sh", population: 1, intervals: 1)
        let gate = try Gate(in: place)
        let run = try await Command.live(["run", "toy.yaml", "--json"], in: place.directory) { lines, _ in
            try await lines.wait(for: #""event":"started""#)
            let refused = try await place.pbt("rm", "-f", "toy")
            #expect(refused.code == 75)
            #expect(
                refused.error
                    == "error: 1 interval of \"toy\" is running; stop it first with: pbt stop toy\n")
            try gate.open()
        }
        #expect(run.code == 0)
    }

    @Test func `rm deletes neither an experiment nor its baseline while one of them trains`() async throws {
        let place = try Workplace()
        try place.experiment(
            trainer: "gated.sh", population: 1, intervals: 1, more: "baseline: random_search\nworkers: 1")
        let gate = try Gate(in: place)
        _ = try await Command.live(["run", "toy.yaml", "--json"], in: place.directory) { lines, _ in
            try await lines.wait(for: #""event":"started""#)
            let refused = try await place.pbt("rm", "-f", "toy")
            #expect(refused.code == 75)
            #expect(refused.error.hasSuffix("is running; stop it first with: pbt stop toy\n"), "\(refused.error)")
            for name in ["toy", "toy.random_search"] {
                #expect(try await place.show(name)["state"] == "running", "\(name) is still there, and not paused")
            }
            #expect(try await place.pbt("stop", "toy").code == 0)
            try gate.open()
        }
        #expect(try await place.pbt("rm", "-f", "toy").code == 0)
        #expect(try await place.pbt("list", "--json").json().array?.isEmpty == true)
    }

    @Test func `gc says what nothing names, deletes it, and leaves the rest`() async throws {
        let place = try Workplace()
        try place.experiment(more: "baseline: random_search")
        #expect(try await place.pbt("run", "toy.yaml").code == 0)
        let kept = try place.names(in: "pbt.data/toy/checkpoints")
        let orphan = "pbt.data/toy/checkpoints/m0009-i0000-a1"
        try FileManager.default.createDirectory(atPath: place.path(orphan), withIntermediateDirectories: false)
        try place.write([UInt8](repeating: 1, count: 3 << 10), to: "\(orphan)/model")
        let dry = try await place.pbt("gc", "--dry-run")
        #expect(dry.output == "\(place.path(orphan))  3.0 KiB\nwould delete 1 directory, 3.0 KiB\n")
        #expect(place.has(orphan))
        let wet = try await place.pbt("gc", "--json")
        #expect(
            try Value(json: wet.output) == [
                "deleted": true, "bytes": 3072, "paths": [["path": .string(place.path(orphan)), "bytes": 3072]],
            ])
        #expect(try place.names(in: "pbt.data/toy/checkpoints") == kept)
        #expect(try await place.pbt("gc").output == "deleted 0 directories, 0 B\n")
    }

    @Test func `gc leaves what is being trained`() async throws {
        let place = try Workplace()
        try place.experiment(trainer: "gated.sh", population: 2, intervals: 2, workers: 2)
        let gate = try Gate(in: place)
        let run = try await Command.live(["run", "toy.yaml", "--json"], in: place.directory) { lines, _ in
            try await lines.wait(for: #""event":"started""#)
            try await lines.wait(for: #""event":"started""#)
            #expect(try await place.pbt("gc").output == "deleted 0 directories, 0 B\n")
            try gate.open()
        }
        #expect(run.code == 0)
        #expect(try await place.show("toy")["intervals"]?["done"] == 4)
    }

    @Test func `a pinned checkpoint is kept, and no longer once it is not`() async throws {
        let place = try Workplace()
        try place.experiment(trainer: "gated.sh", population: 1, intervals: 3)
        let gate = try Gate(in: place)
        let checkpoint = "pbt.data/toy/checkpoints/m0000-i0000-a1"
        _ = try await Command.live(["run", "toy.yaml", "--json"], in: place.directory) { lines, _ in
            try gate.open(for: 1)
            try await lines.wait(for: #""event":"done""#)
            let pinned = try await place.pbt("pin", "toy", "0@0")
            #expect(pinned.output == "the checkpoint of 0@0 is kept in \(place.path(checkpoint))\n")
            try gate.open()
        }
        #expect(place.has(checkpoint))
        #expect(try await place.pbt("gc").output == "deleted 0 directories, 0 B\n")
        #expect(place.has(checkpoint))
        let unpinned = try await place.pbt("unpin", "toy", "0@0")
        #expect(unpinned.output == "the checkpoint of 0@0 is not pinned and not needed; delete it with: pbt gc toy\n")
        #expect(try await place.pbt("gc").output.hasSuffix("deleted 1 directory, 4.0 KiB\n") || !place.has(checkpoint))
        #expect(!place.has(checkpoint))
        let again = try await place.pbt("unpin", "toy", "0@0")
        #expect(again.output == "interval 0@0 has no checkpoint (any longer); nothing is pinned\n")
    }
}
