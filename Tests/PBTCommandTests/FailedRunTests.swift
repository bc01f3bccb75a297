// SPDX-License-Identifier: Apache-2.0

import Foundation
import PBT
import Testing

@Suite(.timeLimit(.minutes(10))) struct `A run that goes wrong` {
    @Test func `ends with 1 and its reason when the experiment fails after a result`() async throws {
        let place = try Workplace()
        try place.write(
            "[ $PBT_INTERVAL -ge 1 ] && { echo CUDA out of memory; exit 1; }\nexec /bin/sh sum.sh\n", to: "later.sh")
        try place.experiment(trainer: "later.sh", population: 4, intervals: 10, more: "retries: 0")
        let run = try await place.pbt("run", "toy.yaml", "-q")
        #expect(run.code == 1)
        #expect(run.error.contains("error: toy failed: "), "\(run.error)")
        #expect(run.error.contains("exit 1: CUDA out of memory"), "\(run.error)")
        #expect(run.output.hasPrefix("toy failed: best member "))
        #expect(try await place.show("toy")["state"] == "failed")
        // What failed before says so again.
        let worker = try await place.pbt("worker", "pbt.sqlite", "toy")
        #expect(worker.code == 1)
        #expect(worker.error.contains("toy failed: "), "\(worker.error)")
    }

    @Test func `ends a worker with 1 when its experiment fails`() async throws {
        let place = try Workplace()
        try place.write("echo no luck; exit 1\n", to: "never.sh")
        try place.experiment(trainer: "never.sh", population: 4, intervals: 2, more: "retries: 0")
        #expect(try await place.pbt("create", "toy.yaml").code == 0)
        let worker = try await place.pbt("worker", "pbt.sqlite")
        #expect(worker.code == 1)
        #expect(worker.error.contains("toy failed: "), "\(worker.error)")
        #expect(worker.error.contains("exit 1: no luck"), "\(worker.error)")
    }

    @Test func `charges nothing when the directory of the experiment was moved away`() async throws {
        let place = try Workplace()
        try FileManager.default.createDirectory(atPath: place.path("old"), withIntermediateDirectories: true)
        try place.experiment(trainer: "sum.sh", population: 4, intervals: 2)
        for name in ["toy.yaml", "sum.sh"] {
            try FileManager.default.moveItem(atPath: place.path(name), toPath: place.path("old/\(name)"))
        }
        #expect(try await place.pbt("create", "old/toy.yaml").code == 0)
        try FileManager.default.moveItem(atPath: place.path("old"), toPath: place.path("new"))
        let worker = try await place.pbt("worker", "new/pbt.sqlite")
        #expect(worker.code == 71)
        let reason = "the experiment's directory \(place.path("old")) is not there"
        #expect(
            worker.error.contains("error: this worker stopped, since it cannot train: \(reason)"), "\(worker.error)")
        let shown = try Value(json: try await place.pbt("show", "toy", "--json", "--store", "new/pbt.sqlite").output)
        #expect(shown["state"] == "running")
        #expect(shown["intervals"]?["waiting"] == 4)
        // Where it is again, nothing was lost.
        try FileManager.default.copyItem(atPath: place.path("new"), toPath: place.path("old"))
        let again = try await place.pbt("worker", "new/pbt.sqlite")
        #expect(again.code == 0, "\(again.error)")
        let after = try Value(json: try await place.pbt("show", "toy", "--json", "--store", "new/pbt.sqlite").output)
        #expect(after["intervals"]?["done"] == 8)
        #expect(after["intervals"]?["failed"] == 0)
    }

    @Test func `keeps a healthy worker's search when a broken worker joins it`() async throws {
        let place = try Workplace()
        let gate = try Gate(in: place)
        // The program trains only where its code is; a worker tells by a variable of its own.
        try place.write(
            "[ -n \"${CODE:-}\" ] || { echo no such module; exit 1; }\nread -r go < gate\nexec /bin/sh sum.sh\n",
            to: "code.sh")
        try place.experiment(trainer: "code.sh", population: 8, intervals: 3, workers: 2)
        let healthy = try await Command.live(
            ["run", "toy.yaml", "--json"], in: place.directory, environment: ["CODE": "here"]
        ) { lines, _ in
            try gate.open(for: 2)
            try await lines.wait(for: #""event":"done""#)
            async let broken = place.pbt("worker", "pbt.sqlite", "--workers", "1")
            for _ in 0..<3 { try await lines.wait(for: #""event":"retried""#) }
            try gate.open()
            return try await broken
        }
        #expect(healthy.code == 0)
        let broken = healthy.value
        #expect(broken.code == 71, "\(broken.error)")
        #expect(broken.error.contains("this worker was set aside: "), "\(broken.error)")
        #expect(broken.error.contains("exit 1: no such module"), "\(broken.error)")
        let shown = try await place.show("toy")
        #expect(shown["state"] == "finished")
        #expect(shown["intervals"]?["done"] == 24)
        #expect(shown["intervals"]?["failed"] == 0)
        #expect(try await place.pbt("explain", "toy", "--all").code == 0)
    }

    @Test func `says how many intervals were lost, and why`() async throws {
        let place = try Workplace()
        try place.write(
            "[ $PBT_MEMBER = 1 ] && [ $PBT_INTERVAL = 1 ] && { echo no luck; exit 1; }\nexec /bin/sh sum.sh\n",
            to: "once.sh")
        try place.experiment(trainer: "once.sh", population: 4, intervals: 3, more: "retries: 0")
        let run = try await place.pbt("run", "toy.yaml")
        #expect(run.code == 0, "\(run.error)")
        #expect(
            run.output.contains("  failures       1 failed attempt, 1 interval lost: exit 1: no luck\n"),
            "\(run.output)")
        let result = try Value(json: try await place.pbt("run", "toy.yaml", "--json").output)
        #expect(result["failures"]?["intervals"] == 1)
        #expect(result["failures"]?["reason"] == "exit 1: no luck")
    }
}
