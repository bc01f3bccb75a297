// SPDX-License-Identifier: Apache-2.0

import Foundation
import PBT
import Testing

/// `pbt check` of programs that stay alive over intervals.
@Suite(.timeLimit(.minutes(10))) struct PersistentCheckTests {
    private static let python = URL(filePath: #filePath).resolvingSymlinksInPath()
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "python").path

    /// Descends to 0 by a learning rate; where it is set is what the tests are about.
    private static func program(new: String = "", continued: String = "", restored: String = "") -> String {
        """
        import json, os, sys
        sys.path.insert(0, os.environ["CLIENT"])
        import pbt
        def lr(model, interval):
            model["lr"] = interval.hyperparameters.lr
        model = None
        if __name__ == "__main__":
            for interval in pbt.worker():
                if interval.continues:
                    pass; \(continued)
                elif interval.checkpoint_in:
                    model = json.loads((interval.checkpoint_in / "model").read_text())
                    pass; \(restored)
                else:
                    model = {"x": 10.0}
                    lr(model, interval)
                model["x"] *= 1 - 0.3 * min(model["lr"], 1)
                (interval.checkpoint_out / "model").write_text(json.dumps(model))
                interval.report(loss=abs(model["x"]))
        """
    }

    private func check(
        _ program: String, _ arguments: String...
    ) async throws -> (code: Int32, report: Value, notes: String) {
        let place = try Workplace()
        try place.write(program + "\n", to: "train.py")
        try place.write(
            """
            name: stay
            objective: {metric: loss, goal: minimize}
            population: 8
            intervals: 20
            seed: 7
            space: {lr: {log_uniform: [0.001, 1]}}
            command: [/usr/bin/env, python3, train.py]
            workers: 2
            persistent: true
            """, to: "stay.yaml")
        try FileManager.default.createDirectory(atPath: place.path("temporary"), withIntermediateDirectories: false)
        let answer = try await Command.run(
            ["check", "stay.yaml", "--json"] + arguments, in: place.directory,
            environment: ["CLIENT": Self.python, "TMPDIR": place.path("temporary")])
        // Whatever it finds, it leaves nothing.
        #expect(!place.has("pbt.sqlite"))
        #expect(!place.has("pbt.data"))
        #expect(try place.names(in: "temporary").isEmpty)
        return (answer.code, try Value(json: answer.output), answer.error)
    }

    private func texts(_ report: Value, _ key: String) -> [String] {
        report[key]?.array?.compactMap(\.string) ?? []
    }

    private static let set = "lr(model, interval)"

    @Test func `a program that applies its hyperparameters in memory and after a restore passes`() async throws {
        let (code, report, notes) = try await check(Self.program(continued: Self.set, restored: Self.set))
        #expect(code == 0, "\(report.json) \(notes)")
        #expect(report["ok"] == true)
        #expect(report["deterministic"] == true)
        #expect(report["restores"] == true)
        #expect(report["effects"] == ["lr": true])
        #expect(report["effects_in_memory"] == ["lr": true])
        #expect(texts(report, "warnings") == [])
        #expect(report["predicted"]?["seconds"]?.double ?? 0 > 0)
    }

    @Test func `one that sets them for new models only is named`() async throws {
        let (code, report, _) = try await check(Self.program())
        #expect(code == 1)
        #expect(report["effects"] == ["lr": false])
        #expect(report["effects_in_memory"] == ["lr": false])
        #expect(
            texts(report, "problems") == [
                "after a member's first interval these seem not to take effect: lr. With other values an interval gives "
                    + "exactly the same result, both when the model stays in memory and after a restore. Set them in every interval, "
                    + "after the restore, and also when interval.continues"
            ])
    }

    @Test func `one that sets them only when it restores is named`() async throws {
        let (code, report, _) = try await check(Self.program(restored: Self.set))
        #expect(code == 1)
        #expect(report["effects"] == ["lr": true])
        #expect(report["effects_in_memory"] == ["lr": false])
        #expect(
            texts(report, "problems") == [
                "when the model stays in memory these seem not to take effect: lr. With other values an interval that "
                    + "continues gives exactly the same result, while a restored one does not. Set them in every interval, also "
                    + "when interval.continues"
            ])
    }

    @Test func `one that sets them only in memory is named`() async throws {
        let (code, report, _) = try await check(Self.program(continued: Self.set))
        #expect(code == 1)
        #expect(report["effects"] == ["lr": false])
        #expect(report["effects_in_memory"] == ["lr": true])
        #expect(
            texts(report, "problems").contains { $0.hasPrefix("after a restore these seem not to take effect: lr.") })
    }

    @Test func `one that restores nothing is named`() async throws {
        let program = Self.program(continued: Self.set, restored: "model = {'x': 10.0}; " + Self.set)
        let (code, report, _) = try await check(program)
        #expect(code == 1)
        #expect(report["restores"] == false)
        #expect(
            texts(report, "problems") == [
                "the program seems not to restore: an interval gives exactly the same result whatever checkpoint it restores; "
                    + "load the model from interval.checkpoint_in unless interval.continues"
            ])
        #expect(
            texts(report, "warnings").contains {
                $0.contains("something that training depends on is not in the checkpoint")
            })
    }

    @Test func `one that saves nothing, fails, or never claims is named with its last words`() async throws {
        let saves = Self.program().replacing("(interval.checkpoint_out", with: "0 and (interval.checkpoint_out")
        let (code, report, _) = try await check(saves, "--quick")
        #expect(code == 1)
        #expect(texts(report, "problems").first?.hasPrefix("the program saved nothing: ") == true)

        let (failed, failure, _) = try await check(Self.program(restored: "raise ValueError('old format')"), "--quick")
        #expect(failed == 1)
        #expect(texts(failure, "problems").first?.contains("ValueError: old format (train.py, line") == true)

        let (silent, silence, _) = try await check("raise SystemExit('no module named torch')")
        #expect(silent == 1)
        let problem = try #require(texts(silence, "problems").first)
        #expect(problem.contains("the program exited without having started interval 0: exit 1: no module named torch"))
    }

    @Test(arguments: ["", "import time; time.sleep(1000)"])
    func `one that hangs does not hang the check`(_ before: String) async throws {
        let hanging =
            before.isEmpty
            ? Self.program(restored: "import time; print('waiting', flush=True); time.sleep(1000)") : before
        let (code, report, _) = try await check(hanging, "--quick", "--limit", "5s")
        #expect(code == 1)
        let problem = try #require(texts(report, "problems").first)
        #expect(
            problem.contains(" was not reported within 5.0s; if it takes longer, give it more time with --limit"),
            "\(problem)")
    }
}
