// SPDX-License-Identifier: Apache-2.0

import Foundation
import PBT
import Testing

/// `evaluate` in an experiment file, and `pbt evaluate`.
@Suite(.timeLimit(.minutes(10))) struct EvaluateTests {
    /// A program that evaluates: it writes a line into a log, and its score is a tenth of the sum, plus noise from its
    /// seed.
    private static let program = """
        [ "$PBT_EVALUATE" = 1 ] || exit 9
        read -r sum < "$1/sum"
        echo "$PBT_EXPERIMENT $PBT_MEMBER@$PBT_INTERVAL $PBT_SEED" >> evaluated
        echo "$PBT_EXPERIMENT $PBT_ATTEMPT $PBT_INTERVAL_SEED" >> shared
        [ ! -f fails ] || exit 3
        awk "BEGIN { printf \\"{\\\\\\"score\\\\\\": %.17g}\\", $sum / 10 + ($PBT_SEED % 100) / 1e6 }" > "$PBT_RESULTS"
        """

    private static func place(_ evaluate: String, more: String = "") throws -> Workplace {
        let place = try Workplace()
        try place.write(program, to: "measure.sh")
        try place.experiment(population: 4, intervals: 2, workers: 2, more: "evaluate: \(evaluate)\n\(more)")
        return place
    }

    private static func count(_ place: Workplace) throws -> [String] {
        place.has("evaluated") ? try place.read("evaluated").split(separator: "\n").map(String.init) : []
    }

    @Test func `a run ends with evaluations of the best, each once, with fresh seeds`() async throws {
        let place = try Self.place(
            "{candidates: 3, repeats: 2, command: [/bin/sh, measure.sh, \"{checkpoint_in}\"]}",
            more: "baseline: random_search")
        let run = try await place.pbt("run", "toy.yaml")
        #expect(run.code == 0, "\(run.error)")
        #expect(run.error.contains("evaluating the 3 best checkpoints of toy: 6 evaluations\n"))
        #expect(run.error.contains("evaluating the 3 best checkpoints of toy.random_search: 6 evaluations\n"))
        let lines = try Self.count(place)
        #expect(lines.count == 12)
        // No two have the same seed.
        #expect(Set(lines).count == 12)
        let seeds = lines.filter { $0.hasPrefix("toy ") }.compactMap { $0.split(separator: " ").last }
        #expect(Set(seeds).count == 6)
        // All candidates share one at each of the two evaluations, and so does random search.
        let shared = try place.read("shared").split(separator: "\n").map { $0.split(separator: " ") }
        #expect(Set(shared.map { $0[1...2].joined(separator: " ") }).count == 2)
        #expect(Set(shared.map { $0[2] }).count == 2)
        let shown = try await place.show("toy")
        let evaluations = try #require(shown["best"]?["evaluations"]?.array)
        #expect(evaluations.compactMap { $0["number"]?.int } == [0, 1])
        let score = try #require(shown["best"]?["score"]?.double)
        for evaluation in evaluations {
            #expect(abs((evaluation["score"]?.double ?? 0) - score / 10) < 1e-4)
        }
        #expect(shown["comparison"]?["text"]?.string?.contains("means of 2 evaluations") == true)
        #expect(shown["comparison"]?["noise_from"] == "evaluations")
        let best = try await place.pbt("best", "toy")
        #expect(best.output.split(separator: "\n").count { $0.hasPrefix("evaluated        ") } == 3)
        #expect(best.output.contains("(2 evaluations; "))

        // Nothing is repeated.
        let again = try await place.pbt("run", "toy.yaml")
        #expect(again.output == run.output)
        #expect(try Self.count(place) == lines)
        let more = try await place.pbt("evaluate", "toy", "--repeats", "3", "--json")
        #expect(more.code == 0, "\(more.error)")
        #expect(try Self.count(place).count == 18)
        let value = try Value(json: more.output)
        #expect(value["candidates"]?.array?.allSatisfy { $0["evaluations"]?.array?.count == 3 } == true)
    }

    @Test func `the winner has the best mean, not the best score`() async throws {
        let place = try Workplace()
        // What scored best when it was trained is worst when it is measured again.
        try place.write(
            """
            read -r sum < "$PBT_CHECKPOINT_IN/sum"
            awk "BEGIN { printf \\"{\\\\\\"score\\\\\\": %.17g}\\", -$sum }" > "$PBT_RESULTS"
            """, to: "reverse.sh")
        try place.write(
            "if [ \"${PBT_EVALUATE:-}\" = 1 ]; then exec /bin/sh reverse.sh; fi; exec /bin/sh sum.sh", to: "both.sh")
        try place.experiment(trainer: "both.sh", population: 4, intervals: 1, more: "evaluate: {candidates: 4}")
        let run = try await place.pbt("run", "toy.yaml")
        #expect(run.code == 0, "\(run.error)")
        let shown = try await place.show("toy")
        let scores = try #require(shown["members"]?.array?.compactMap { $0["score"]?.double })
        #expect(scores.count == 4)
        #expect(shown["best"]?["score"]?.double == scores.min())
        #expect(shown["best"]?["checkpoint"]?.string.map { place.has($0) } == true)
        let listed = try Value(json: try await place.pbt("list", "--json").output)
        #expect(listed.array?.first?["best"]?["score"]?.double == scores.min())
        // The whole search is still re-derived.
        #expect(try await place.pbt("explain", "toy", "--all").code == 0)
        let page = try await place.pbt("report", "toy", "-o", "report.html")
        #expect(page.code == 0, "\(page.error)")
        #expect(try place.read("report.html").contains("Evaluations of the best checkpoints"))
    }

    @Test func `a failing evaluation is reported, is not fatal, and is tried again by hand`() async throws {
        let place = try Self.place(
            "{candidates: 2, repeats: 1, command: [/bin/sh, measure.sh, \"{checkpoint_in}\"]}", more: "retries: 0")
        try place.write("", to: "fails")
        let run = try await place.pbt("run", "toy.yaml")
        #expect(run.code == 0, "\(run.error)")
        #expect(run.error.split(separator: "\n").count { $0.contains(" failed: exit 3") } == 2)
        #expect(run.output.contains("1 failed: exit 3"))
        // The best by score stays.
        let shown = try await place.show("toy")
        #expect(shown["best"]?["score"]?.double == shown["members"]?.array?.compactMap { $0["score"]?.double }.max())
        #expect(try await place.pbt("run", "toy.yaml").code == 0)
        #expect(try Self.count(place).count == 2)
        try FileManager.default.removeItem(atPath: place.path("fails"))
        let again = try await place.pbt("evaluate", "toy")
        #expect(again.code == 0, "\(again.error)")
        #expect(try Self.count(place).count == 4)
        #expect(again.output.hasPrefix("* ") || again.output.hasPrefix("★ "))
        #expect(!again.output.contains("failed"))
    }

    @Test func `an evaluation that is killed is repeated, those before it are not`() async throws {
        let place = try Self.place(
            "{candidates: 3, repeats: 1, command: [/bin/sh, gated-measure.sh, \"{checkpoint_in}\"]}")
        try place.write("echo x > here\nread -r _ < gate\n. ./measure.sh", to: "gated-measure.sh")
        let gate = try Gate(in: place)
        let here = try Gate(in: place, named: "here")
        let run = try await Command.live(["run", "toy.yaml", "--workers", "1"], in: place.directory) { _, process in
            _ = try await here.line()
            try gate.open(for: 1)
            // The second waits at the gate.
            _ = try await here.line()
            #expect(kill(process, SIGKILL) == 0)
        }
        #expect(run.code == -SIGKILL)
        #expect(try Self.count(place).count == 1)
        try gate.open()
        let again = try await place.pbt("run", "toy.yaml", "--workers", "1")
        #expect(again.code == 0, "\(again.error)")
        #expect(again.error.contains("2 evaluations"))
        let lines = try Self.count(place)
        #expect(Set(lines).count == 3)
    }

    @Test func `workers of a server evaluate, and another takes over from one that was killed`() async throws {
        let place = try Self.place(
            "{candidates: 3, repeats: 2, command: [/bin/sh, gated-measure.sh, \"{checkpoint_in}\"]}")
        try place.write("echo x > here\nread -r _ < gate\n. ./measure.sh", to: "gated-measure.sh")
        let gate = try Gate(in: place)
        let here = try Gate(in: place, named: "here")
        #expect(try await place.pbt("create", "toy.yaml").code == 0)
        _ = try await Command.live(["serve", "--port", "0"], in: place.directory) { lines, server in
            let address = String(try await lines.wait(for: "listening on http").dropFirst("listening on ".count))
            let first = try await Command.live(["worker", address, "--workers", "1"], in: place.directory) {
                _, process in
                _ = try await here.line()
                try gate.open(for: 1)
                // The second evaluation waits at the gate.
                _ = try await here.line()
                #expect(kill(process, SIGKILL) == 0)
            }
            #expect(first.code == -SIGKILL)
            #expect(try Self.count(place).count == 1)
            try gate.open()
            let second = try await place.pbt("worker", address)
            #expect(second.code == 0, "\(second.error)")
            let third = try await place.pbt("worker", address)
            #expect(third.error.contains("nothing to train"), "\(third.error)")
            kill(server, SIGTERM)
        }
        #expect(Set(try Self.count(place)).count == 6)
        let shown = try await place.pbt("evaluate", "toy", "--json")
        let candidates = try #require(try Value(json: shown.output)["candidates"]?.array)
        #expect(candidates.count == 3)
        for candidate in candidates {
            let evaluations = candidate["evaluations"]?.array ?? []
            #expect(evaluations.compactMap { $0["number"]?.int } == [0, 1])
            #expect(evaluations.allSatisfy { $0["score"]?.double != nil })
        }
        // Nothing was evaluated by that.
        #expect(Set(try Self.count(place)).count == 6)
    }

    @Test func `an experiment without evaluate is not evaluated`() async throws {
        let place = try Workplace()
        try place.experiment()
        #expect(try await place.pbt("run", "toy.yaml").code == 0)
        let answer = try await place.pbt("evaluate", "toy")
        #expect(answer.code == 64)
        #expect(answer.error.contains("add evaluate: {repeats: 3} to its file, then: pbt edit FILE"))
        // With it in the file, run evaluates what has finished.
        try place.experiment(trainer: "sum.sh", more: "evaluate: {candidates: 1, repeats: 1}")
        let run = try await place.pbt("run", "toy.yaml")
        #expect(run.code == 0, "\(run.error)")
        #expect(run.error.contains("evaluating the 1 best checkpoint of toy: 1 evaluation\n"))
    }

    @Test func `other metrics are shown next to the winner`() async throws {
        let place = try Workplace()
        try place.write(
            """
            /bin/sh sum.sh
            read -r sum < "$PBT_CHECKPOINT_OUT/sum"
            echo "{\\"score\\": $sum, \\"test_accuracy\\": 0.25, \\"epochs\\": 3}" > "$PBT_RESULTS"
            """, to: "tested.sh")
        try place.experiment(trainer: "tested.sh", more: "baseline: random_search\nmetrics: [test_accuracy]")
        let run = try await place.pbt("run", "toy.yaml")
        #expect(run.code == 0, "\(run.error)")
        #expect(run.output.contains("  metrics        test_accuracy 0.2500 (random search 0.2500)\n"))
        for command in ["show", "best"] {
            let output = try await place.pbt(command, "toy").output
            #expect(output.contains("test_accuracy 0.2500 (random search 0.2500)\n"), "\(command): \(output)")
            #expect(!output.contains("epochs"))
            #expect(output.contains(" of random search, after 6 intervals each: "))
        }
        #expect(try await place.pbt("list").output.contains("test_accuracy 0.2500"))
        #expect(try await place.show("toy")["best"]?["metrics"]?["epochs"] == 3)
    }
}
