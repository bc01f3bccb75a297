// SPDX-License-Identifier: Apache-2.0

import Foundation
import PBT
import PBTTesting
import SystemPackage
import Testing

@testable import PBTWorker

/// Runs a script as one attempt and hands what became of it to a check.
func run(
    _ script: String, environment: TrainerEnvironment = TrainerEnvironment(["PATH": "/usr/bin:/bin"]), slot: Int = 0,
    slots: Int? = nil, hyperparameters: Hyperparameters? = nil, gpus: [String] = [], threads: Int? = nil,
    timeout: Duration? = nil, grace: Duration = .seconds(10), parent: Bool = false,
    clock: any Clock<Duration> = ContinuousClock(),
    check: (AttemptEnd, Attempt) throws -> Void
) async throws {
    try await withData { data in
        let experiment = Experiment.shell(
            script, workers: 2, gpus: gpus, threads: threads, timeout: timeout, grace: grace)
        var attempt = try data.begin(experiment.assignment(hyperparameters: hyperparameters), slot: slot)
        if parent {
            attempt.parentCheckpoint = data.checkpoint("parent", of: "toy")
            try FileSystem.makeDirectory(data.checkpoint("parent", of: "toy"))
        }
        let end = await CommandExecutor(slots: slots, environment: environment, clock: clock).run(attempt)
        try check(end, attempt)
    }
}

@Suite(.timeLimit(.minutes(10))) struct `The command executor` {
    @Test(arguments: [
        ("echo '{\"score\": 0.5, \"loss\": 2}' > $PBT_RESULTS", ["score": 0.5, "loss": 2] as [String: Value], 0.5),
        (
            "echo x; echo '--- RESULTS ---'; echo '{\"score\": 1}'; echo '--- END RESULTS ---' >&2; echo y",
            ["score": 1], 1
        ),
        (
            "echo '{\"score\": 2}' > $PBT_RESULTS; echo '--- RESULTS ---'; echo '{\"score\": 1}'; "
                + "echo '--- END RESULTS ---'", ["score": 2], 2
        ),
        ("printf '{\"score\": Infinity}' > $PBT_RESULTS", ["score": .number(.infinity)], .infinity),
    ])
    func `takes results from the file, or else from the output`(
        _ script: String, _ metrics: [String: Value], _ score: Double
    ) async throws {
        try await run(script) { end, _ in #expect(end == .trained(score: score, metrics: metrics)) }
    }

    @Test(arguments: [
        (
            "true",
            "it exited with 0 but wrote no results: write a JSON object such as {\"score\": 0.5} to the file named by "
                + "PBT_RESULTS, or print it between lines --- RESULTS --- and --- END RESULTS ---"
        ),
        ("echo 'first'; echo 'ValueError: no' >&2; echo; exit 1", "exit 1: ValueError: no"),
        ("exit 3", "exit 3 (it printed nothing)"),
        ("echo up; kill -9 $$", "killed by signal 9 (maybe out of memory): up"),
        ("kill -6 $$", "killed by signal 6 (it printed nothing)"),
        (
            "head -c 1100000 /dev/zero | tr '\\0' 1 > $PBT_RESULTS",
            "the results file is larger than 1 MiB; write the metrics only"
        ),
        ("mkdir $PBT_RESULTS", "the results file"),
    ])
    func `says why an attempt failed`(_ script: String, _ reason: String) async throws {
        try await run(script) { end, _ in
            guard case .failed(let text) = end else {
                Issue.record("it ended as \(end)")
                return
            }
            #expect(text == reason || (script.hasPrefix("mkdir") && text.contains("Is a directory")), "\(text)")
        }
    }

    @Test func `takes exit 75 as an interruption`() async throws {
        try await run("echo preempted; exit 75") { end, _ in
            #expect(end == .interrupted(reason: "exit 75: preempted"))
        }
    }

    @Test func `tells the program all that the contract promises`() async throws {
        let script = """
            env | sort > $PBT_CHECKPOINT_OUT/env; pwd > $PBT_CHECKPOINT_OUT/pwd
            cat $PBT_HYPERPARAMETERS > $PBT_CHECKPOINT_OUT/hyperparameters
            cat > $PBT_CHECKPOINT_OUT/stdin
            echo '{"score": 1}' > $PBT_RESULTS
            """
        let environment = TrainerEnvironment([
            "PATH": "/usr/bin:/bin", "KEPT": "a b", "MKL_NUM_THREADS": "5", "PBT_SERVER": "x", "PBT_TOKEN": "secret",
            "PBT_CHECKPOINT_IN": "/of/an/outer/run",
        ])
        let hyperparameters: Hyperparameters = [
            "rate": 0.25, "batch-size": 32, "on": true, "kind": "re lu", "sizes": [1, 2], "none": nil,
        ]
        try await run(script, environment: environment, hyperparameters: hyperparameters, threads: 3) {
            (end, attempt) throws in
            #expect(end == .trained(score: 1, metrics: ["score": 1]))
            let lines = try #require(try attempt.checkpoint.appending("env").text()).split(separator: "\n").map(
                String.init)
            let ours = lines.filter { $0.hasPrefix("PBT_") }
            #expect(
                ours == [
                    "PBT_ATTEMPT=1", "PBT_CHECKPOINT_OUT=\(attempt.checkpoint)", "PBT_EXPERIMENT=toy",
                    "PBT_HYPERPARAMETERS=\(attempt.scratch)/hyperparameters.json", "PBT_INTERVAL=0", "PBT_MEMBER=0",
                    "PBT_PARAM_BATCH_SIZE=32", "PBT_PARAM_KIND=re lu", "PBT_PARAM_ON=true", "PBT_PARAM_RATE=0.25",
                    "PBT_RESULTS=\(attempt.scratch)/results.json", "PBT_SEED=\(attempt.assignment.seed)",
                ])
            #expect(lines.contains("KEPT=a b"))
            #expect(lines.contains("OMP_NUM_THREADS=3"))
            #expect(lines.contains("OPENBLAS_NUM_THREADS=3"))
            #expect(lines.contains("NUMEXPR_NUM_THREADS=3"))
            #expect(lines.contains("VECLIB_MAXIMUM_THREADS=3"))
            #expect(lines.contains("MKL_NUM_THREADS=5"))
            #expect(!lines.contains { $0.hasPrefix("CUDA_VISIBLE_DEVICES") })
            #expect(try attempt.checkpoint.appending("pwd").text() == "/tmp\n")
            #expect(try attempt.checkpoint.appending("stdin").text() == "")
            #expect(
                try attempt.checkpoint.appending("hyperparameters").text()
                    == "{\"batch-size\":32,\"kind\":\"re lu\",\"none\":null,\"on\":true,\"rate\":0.25,\"sizes\":[1,2]}\n"
            )
        }
    }

    @Test func `names the checkpoint to restore, for whoever is no founder`() async throws {
        try await run("echo $PBT_CHECKPOINT_IN; exit 1", parent: true) { (end, attempt) throws in
            let parent = try #require(attempt.parentCheckpoint)
            #expect(end == .failed(reason: "exit 1: \(parent)"))
        }
    }

    @Test(
        arguments: [
            (0, ["0", "1"], nil, "0"), (1, ["0", "1"], nil, "1"), (2, ["0", "1"], nil, "0"),
            (1, ["0", "1"], "4,7", "7"),
            (0, ["1"], " GPU-a , GPU-b", "GPU-b"), (0, ["MIG-x"], "4,7", "MIG-x"), (0, [], "4,7", "4,7"),
            (0, ["0"], "", ""), (0, ["0"], "-1", "-1"),
        ] as [(Int, [String], String?, String)])
    func `gives each slot its device`(_ slot: Int, _ gpus: [String], _ pool: String?, _ device: String) async throws {
        var variables = ["PATH": "/usr/bin:/bin"]
        variables["CUDA_VISIBLE_DEVICES"] = pool
        try await run(
            "echo \"<$CUDA_VISIBLE_DEVICES>\"; exit 1", environment: TrainerEnvironment(variables), slot: slot,
            gpus: gpus
        ) { end, _ in #expect(end == .failed(reason: "exit 1: <\(device)>")) }
    }

    @Test func `refuses a device that is not in the pool`() async throws {
        let environment = TrainerEnvironment(["PATH": "/usr/bin:/bin", "CUDA_VISIBLE_DEVICES": "4,7"])
        try await run("true", environment: environment, gpus: ["2"]) { end, _ in
            #expect(
                end
                    == .unable(
                        WorkerProblem(
                            "gpus: there is no device 2, since CUDA_VISIBLE_DEVICES is 4,7: 2 of them, counted from "
                                + "0; change gpus, or unset CUDA_VISIBLE_DEVICES", isTransient: false)))
        }
    }

    @Test(
        arguments: [(nil, 1, 8, 8), (nil, 2, 8, 4), (nil, 3, 8, 2), (nil, 16, 8, 1), (6, 2, 8, 6)]
            as [(Int?, Int, Int, Int)])
    func `divides the cores among the slots`(_ threads: Int?, _ slots: Int, _ cores: Int, _ expected: Int) {
        let trainer = Experiment.Trainer(command: ["x"], directory: "/", threads: threads)
        #expect(TrainerEnvironment.threads(for: trainer, slots: slots, cores: cores) == expected)
    }

    @Test func `keeps all output in the log, however much it is`() async throws {
        let script = """
            head -c 5000000 /dev/zero | tr '\\0' x; head -c 5000000 /dev/zero | tr '\\0' y >&2
            echo; echo '--- RESULTS ---'; echo '{"score": 1}'; echo '--- END RESULTS ---'
            """
        try await run(script) { (end, attempt) throws in
            #expect(end == .trained(score: 1, metrics: ["score": 1]))
            let size = try FileTree.size(attempt.log.removingLastComponent())
            #expect(size > 10_000_000)
        }
    }
}
