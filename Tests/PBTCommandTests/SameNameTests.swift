// SPDX-License-Identifier: Apache-2.0

import Foundation
import PBT
import Testing

/// A file that differs from the experiment of its name.
@Suite(.timeLimit(.minutes(10))) struct SameNameTests {
    @Test func `of a finished experiment the old result is shown as such, and the other command is named`() async throws
    {
        let place = try Workplace()
        try place.experiment()
        #expect(try await place.pbt("run", "toy.yaml").code == 0)
        try place.write(try place.read("toy.yaml").replacing("sum.sh", with: "other.sh"), to: "copy.yaml")
        let answer = try await place.pbt("run", "copy.yaml")
        #expect(answer.code == 0)
        #expect(
            answer.error == """
                warning: toy is finished with the definition in the store, from which copy.yaml differs:
                  command: /bin/sh sum.sh → /bin/sh other.sh
                to train copy.yaml under another name: pbt run copy.yaml --name toy-2
                toy is already finished; this is its result

                """)
        #expect(answer.output.hasPrefix("toy finished: best member "))
    }

    @Test func `of an unfinished one it is told before anything is trained with it`() async throws {
        let place = try Workplace()
        try place.experiment(trainer: "gated.sh", population: 1, intervals: 3)
        let gate = try Gate(in: place)
        _ = try await Command.live(["run", "toy.yaml", "--json"], in: place.directory) { lines, process in
            try gate.open(for: 1)
            try await lines.wait(for: #""event":"done""#)
            kill(process, SIGTERM)
        }
        try place.experiment(population: 1, more: "retries: 3\nenv: {A: b}")
        let answer = try await place.pbt("run", "toy.yaml")
        #expect(answer.code == 0, "\(answer.error)")
        let text = """
            warning: toy.yaml changes toy after 1 interval; the remaining ones continue from checkpoints of the old program:
              command: /bin/sh gated.sh → /bin/sh sum.sh
              env.A: not set → b
              retries: 2 → 3
            to train toy.yaml as a new experiment instead: pbt run toy.yaml --name toy-2
            """
        let told = try #require(answer.error.firstRange(of: text), "\(answer.error)")
        #expect(told.lowerBound == answer.error.startIndex)
    }

    @Test func `nothing is told of a file that says the same`() async throws {
        let place = try Workplace()
        try place.experiment()
        #expect(try await place.pbt("create", "toy.yaml").error.isEmpty)
        #expect(try await place.pbt("create", "toy.yaml").error.isEmpty)
    }
}
