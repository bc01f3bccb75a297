// SPDX-License-Identifier: Apache-2.0

import PBT
import Testing

@Suite(.timeLimit(.minutes(10))) struct RunTests {
    @Test func `a run trains every interval, says what won, and does it only once`() async throws {
        let place = try Workplace()
        try place.experiment(population: 4, intervals: 3, workers: 2)
        let first = try await place.pbt("run", "toy.yaml")
        #expect(first.code == 0, "\(first.error)")
        #expect(first.output.hasPrefix("toy finished: best member "))
        let shown = try await place.show("toy")
        #expect(shown["state"] == "finished")
        #expect(shown["intervals"]?["done"] == 12)
        let checkpoint = try #require(shown["best"]?["checkpoint"]?.string)
        #expect(first.output.contains("  checkpoint     \(checkpoint)\n"))
        let sum = try place.read("\(checkpoint)/sum").split(separator: "\n")[0]
        #expect(Double(sum) == shown["best"]?["score"]?.double)

        let second = try await place.pbt("run", "toy.yaml")
        #expect(second.code == 0)
        #expect(second.error == "toy is already finished; this is its result\n")
        #expect(second.output == first.output)
        #expect(try await place.show("toy") == shown)
    }

    @Test func `what is piped has no escape sequence and no carriage return`() async throws {
        let place = try Workplace()
        try place.experiment()
        for arguments in [["run", "toy.yaml", "--progress", "live", "-v"], ["run", "toy.yaml"]] {
            let answer = try await Command.run(
                arguments, in: place.directory, environment: ["TERM": "xterm", "LANG": "C.UTF-8"])
            #expect(answer.code == 0)
            for text in [answer.output, answer.error] {
                #expect(!text.utf8.contains(0x1b))
                #expect(!text.utf8.contains(0x0d))
            }
        }
    }

    @Test func `a locale without UTF-8 gets ASCII`() async throws {
        let place = try Workplace()
        try place.experiment(population: 4)
        let run = try await place.pbt("run", "toy.yaml", "-v", environment: ["LC_ALL": "C"])
        let check = try await place.pbt("check", "toy.yaml", environment: ["LC_ALL": "C"])
        #expect(run.code == 0)
        #expect(run.error.contains("copy member="))
        for text in [run.output, run.error, check.output] {
            #expect(text.utf8.allSatisfy { $0 < 0x80 }, "\(text)")
        }
    }

    @Test func `with --json every line of standard output is an object, and the last one is the result`() async throws {
        let place = try Workplace()
        try place.experiment(more: "baseline: random_search")
        let answer = try await place.pbt("run", "toy.yaml", "--json")
        #expect(answer.code == 0)
        let lines = try answer.output.split(separator: "\n").map { try Value(json: String($0)) }
        #expect(lines.count { $0["event"] == "done" && $0["experiment"] == "toy" } == 6)
        #expect(lines.count { $0["event"] == "done" && $0["experiment"] == "toy.random_search" } == 6)
        let ids = lines.dropLast().compactMap { $0["id"]?.int }
        #expect(ids == ids.sorted())
        #expect(ids.count == lines.count - 1)
        let result = try #require(lines.last)
        #expect(result["event"] == "result")
        #expect(result["state"] == "finished")
        #expect(result["schedule"]?.array?.count == 3)
        #expect(result["baseline"]?["comparison"]?["intervals"] == 6)
        let again = try await place.pbt("run", "toy.yaml", "--json")
        #expect(try Value(json: again.output) == result)
    }

    @Test func `with --quiet there is one line, the result`() async throws {
        let place = try Workplace()
        try place.experiment()
        let answer = try await place.pbt("run", "toy.yaml", "-q")
        #expect(answer.code == 0)
        #expect(answer.error.isEmpty)
        #expect(answer.output.split(separator: "\n").count == 1)
    }

    @Test func `the start says what is trained, with how much of the machine, and where`() async throws {
        let place = try Workplace()
        try place.experiment(more: "threads: 3\ngpus: [0, 1]\nbaseline: random_search")
        let answer = try await place.pbt("run", "toy.yaml", "--workers", "2")
        let line = answer.error.split(separator: "\n")[0]
        let start = try #require(line.firstRange(of: "Z start "))
        #expect(
            line[start.upperBound...]
                == "experiment=toy members=2 intervals=3 workers=2 seed=7 threads=3 gpus=0,1 "
                + "baseline=toy.random_search store=\(place.path("pbt.sqlite")) data=\(place.path("pbt.data")) "
                + "most_checkpoints=10")
    }

    @Test func `a device that is not there is said before anything is trained, and fewer workers need fewer`()
        async throws
    {
        let place = try Workplace()
        try place.experiment(more: "gpus: [0, 1]")
        try place.write(try place.read("toy.yaml").replacing("workers: 1\n", with: ""), to: "toy.yaml")
        let pool = ["CUDA_VISIBLE_DEVICES": "5"]
        let message =
            "error: toy: gpus: there is no device 1, since CUDA_VISIBLE_DEVICES is 5: 1 of them, counted from 0; change gpus, "
            + "or unset CUDA_VISIBLE_DEVICES, or use 1 of the 2 with --workers 1\n"
        for command in [["run", "toy.yaml"], ["check", "toy.yaml"], ["check", "--quick", "toy.yaml"]] {
            let answer = try await Command.run(command, in: place.directory, environment: pool)
            #expect(answer.code == 71)
            #expect(answer.error == message)
        }
        #expect(!place.has("pbt.sqlite"))
        let fewer = try await place.pbt("run", "toy.yaml", "--workers", "1", environment: pool)
        #expect(fewer.code == 0, "\(fewer.error)")
        #expect(try await place.show("toy")["intervals"]?["done"] == 6)
    }

    @Test func `a worker without the devices of an experiment leaves it to others`() async throws {
        let place = try Workplace()
        try place.experiment("two", more: "gpus: [[0, 1]]")
        try place.experiment("none")
        #expect(try await place.pbt("create", "two.yaml").code == 0)
        let pool = ["CUDA_VISIBLE_DEVICES": "5"]
        let named = try await place.pbt("worker", "pbt.sqlite", "two", environment: pool)
        let alone = try await place.pbt("worker", "pbt.sqlite", environment: pool)
        for answer in [named, alone] {
            #expect(answer.code == 71)
            #expect(answer.error.contains("error: two: gpus: there is no device 1, since CUDA_VISIBLE_DEVICES is 5"))
        }
        #expect(try await place.pbt("create", "none.yaml").code == 0)
        let both = try await place.pbt("worker", "pbt.sqlite", environment: pool)
        #expect(both.error.contains("skipping two: gpus: there is no device 1"), "\(both.error)")
        #expect(try await place.show("none")["intervals"]?["done"] == 6)
        #expect(try await place.show("two")["intervals"]?["waiting"] == 2)
    }

    @Test func `several devices a worker are counted in the pool`() async throws {
        let place = try Workplace()
        try place.experiment(trainer: "devices.sh", population: 4, intervals: 1, more: "gpus: [[0, 1], [2, 3]]")
        try place.write(try place.read("toy.yaml").replacing("workers: 1\n", with: ""), to: "toy.yaml")
        try place.write("echo \"$CUDA_VISIBLE_DEVICES\" >> devices; exec sh sum.sh\n", to: "devices.sh")
        let answer = try await place.pbt("run", "toy.yaml", environment: ["CUDA_VISIBLE_DEVICES": "4,5,6,7"])
        #expect(answer.code == 0, "\(answer.error)")
        #expect(answer.error.contains(" workers=2 "))
        #expect(answer.error.contains(" gpus=0+1,2+3 "))
        #expect(Set(try place.read("devices").split(separator: "\n")).isSubset(of: ["4,5", "6,7"]))
    }

    @Test func `piped, every line begins with the time`() async throws {
        let place = try Workplace()
        try place.experiment(population: 4, more: "baseline: random_search")
        let answer = try await place.pbt("run", "toy.yaml", "-v")
        #expect(answer.code == 0)
        let lines = answer.error.split(separator: "\n")
        #expect(lines.count > 24)
        for line in lines {
            #expect(line.wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ [a-z]+( .*)?/) != nil, "\(line)")
        }
    }

    @Test func `--progress json writes each event as an object to standard error, and none nothing`() async throws {
        let place = try Workplace()
        try place.experiment()
        let answer = try await place.pbt("run", "toy.yaml", "--progress", "json")
        #expect(answer.output.hasPrefix("toy finished: best member "))
        let events = try answer.error.split(separator: "\n").map { try Value(json: String($0)) }
        #expect(events.count { $0["event"] == "done" && $0["experiment"] == "toy" } == 6)
        #expect(events.last?["event"] == "ended")
        let silent = try await place.pbt("run", "toy.yaml", "--name", "other", "--progress", "none")
        #expect(silent.error.isEmpty)
        #expect(silent.output.hasPrefix("other finished: best member "))
    }

    @Test func `a file that differs in what was searched says how to edit, and one with another trainer is taken`()
        async throws
    {
        let place = try Workplace()
        try place.experiment()
        #expect(try await place.pbt("create", "toy.yaml").code == 0)
        try place.experiment(population: 3, intervals: 4)
        let refused = try await place.pbt("run", "toy.yaml")
        #expect(refused.code == 65)
        #expect(
            refused.error
                == """
                error: experiment "toy" already exists in pbt.sqlite with a different definition:
                  intervals: 3 in the store, 4 in toy.yaml
                  population: 2 in the store, 3 in toy.yaml
                to edit it, effective from the next decision: pbt edit toy.yaml
                to train toy.yaml under another name: pbt run toy.yaml --name toy-2
                to remove the old experiment: pbt rm toy

                """)
        try place.experiment(more: "retries: 5\ntimeout: 1m")
        let taken = try await place.pbt("run", "toy.yaml")
        #expect(taken.code == 0, "\(taken.error)")
    }

    @Test func `several runs that begin at once on a new store do not get in each other's way`() async throws {
        let place = try Workplace()
        try place.experiment(population: 6, intervals: 3, more: "baseline: random_search")
        let answers = try await withThrowingTaskGroup(of: Command.Answer.self) { runs in
            for _ in 0..<4 { runs.addTask { try await place.pbt("run", "toy.yaml") } }
            return try await runs.reduce(into: []) { $0.append($1) }
        }
        for answer in answers {
            #expect(answer.code == 0, "\(answer.error)")
        }
        #expect(try await place.show("toy")["intervals"]?["done"] == 18)
        #expect(try await place.show("toy.random_search")["intervals"]?["done"] == 18)
    }

    @Test func `a second terminal joins a run as more workers`() async throws {
        let place = try Workplace()
        try place.experiment(trainer: "gated.sh", population: 2, intervals: 2)
        let gate = try Gate(in: place)
        let first = try await Command.live(["run", "toy.yaml", "--json"], in: place.directory) { lines, _ in
            try await lines.wait(for: #""event":"started""#)
            let second = try await Command.live(["run", "toy.yaml", "--json"], in: place.directory) { lines, _ in
                try await lines.wait(for: "resume experiment=toy finished=0/4 running_elsewhere=1 members=2 ")
                try await lines.wait(for: #""event":"started""#)
                try gate.open()
            }
            #expect(second.code == 0)
            return second.lines.last
        }
        #expect(first.code == 0)
        #expect(first.lines.last == first.value)
        #expect(try await place.show("toy")["intervals"]?["done"] == 4)
    }

    @Test func `one file serves several names and seeds`() async throws {
        let place = try Workplace()
        try place.experiment()
        #expect(try await place.pbt("run", "toy.yaml", "--name", "other", "--seed", "8").code == 0)
        #expect(try await place.pbt("run", "toy.yaml").code == 0)
        let (a, b) = (try await place.show("toy"), try await place.show("other"))
        #expect(a["best"]?["hyperparameters"] != b["best"]?["hyperparameters"])
    }

    @Test(arguments: ["other.sqlite", "sqlite:///other.sqlite"])
    func `a store may be named by the option or the environment`(_ name: String) async throws {
        let place = try Workplace()
        try place.experiment()
        #expect(try await place.pbt("create", "toy.yaml", "--store", name).code == 0)
        #expect(place.has("other.sqlite"))
        let run = try await place.pbt("run", "toy.yaml", environment: ["PBT_STORE": name])
        #expect(run.code == 0, "\(run.error)")
        #expect(run.error.contains(" store=\(place.path("other.sqlite")) "))
        #expect(place.has("other.data/toy/checkpoints"))
        #expect(!place.has("pbt.sqlite"))
    }

    @Test func `a worker trains what a store has, and ends when all is over`() async throws {
        let place = try Workplace()
        try place.experiment("a")
        try place.experiment("b", more: "baseline: random_search")
        let store = ["--store", "s.sqlite"]
        for name in ["a", "b"] {
            #expect(try await Command.run(["create", "\(name).yaml"] + store, in: place.directory).code == 0)
        }
        let one = try await place.pbt("worker", "s.sqlite", "b")
        #expect(one.code == 0)
        #expect(one.error.hasSuffix("b is finished, b.random_search is finished\n"))
        let all = try await place.pbt("worker", "sqlite:///s.sqlite", "--workers", "2")
        #expect(all.code == 0)
        #expect(
            all.error
                == "serving 1 experiment of \(place.path("s.sqlite")) with 2 workers\na is finished, b is finished, b.random_search is finished\n"
        )
        let none = try await place.pbt("worker", "s.sqlite")
        #expect(none.error == "nothing to train: a is finished, b is finished, b.random_search is finished\n")
    }
}

extension RunTests {
    @Test func `a worker that joins last ends with the winner and its path, as a run does`() async throws {
        let place = try Workplace()
        try place.experiment("other")
        try place.experiment()
        for name in ["other", "toy"] { #expect(try await place.pbt("create", "\(name).yaml").code == 0) }
        let worker = try await place.pbt("worker", "pbt.sqlite", "last")
        #expect(worker.code == 0, "\(worker.error)")
        #expect(try await place.show("other")["state"] == "running")
        let run = try await place.pbt("run", "toy.yaml")
        #expect(worker.output == run.output)
        let checkpoint = try #require(try await place.show("toy")["best"]?["checkpoint"]?.string)
        #expect(worker.output.contains("  checkpoint     \(checkpoint)\n"))
        let all = try await place.pbt("worker", "pbt.sqlite")
        #expect(all.code == 0)
        let lines = all.output.split(separator: "\n")
        #expect(lines.count == 2)
        #expect(lines.first?.hasPrefix("other finished: best member ") == true)
        #expect(lines.last?.hasPrefix("  checkpoint     \(place.path("pbt.data"))/other/checkpoints/") == true)
        #expect(try await place.pbt("worker", "pbt.sqlite", "toy", "-q").output == "")
    }

    @Test func `on a terminal a run says how far its intervals are`() async throws {
        let place = try Workplace()
        try place.write("echo step 1 of 4; echo begun > here; read -r _ < gate; exec sh sum.sh\n", to: "steps.sh")
        try place.experiment(trainer: "steps.sh", population: 1, intervals: 1)
        let (gate, here) = (try Gate(in: place), try Gate(in: place, named: "here"))
        guard Tmux.isInstalled else { return }
        try await Tmux.with(["run", "toy.yaml"], in: place, size: (100, 24)) { terminal in
            #expect(try await here.line() == "begun")
            try await terminal.wait(for: "the progress of the interval") { screen in
                screen.contains { $0.contains("training 25%") && $0.contains("step 1 of 4") }
            }
            try gate.open()
            try await terminal.wait(for: "the end") { $0.contains { $0.contains("code 0") } }
        }
    }
}
