// SPDX-License-Identifier: Apache-2.0

import Foundation
import LibC
import PBT
import PBTTesting
import SystemPackage
import TestSupport
import Testing

@testable import PBTCheckpoints
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
            "echo x; echo '--- RESULTS ---'; echo warning >&2; echo '{\"score\": 1}'; echo '--- END RESULTS ---'; echo y",
            ["score": 1], 1
        ),
        (
            "printf '\\r100%% done' >&2; (echo '--- RESULTS ---'; echo '{\"score\": 1}'; echo '--- END RESULTS ---') >&2",
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

    @Test(arguments: [SIGUSR1, SIGUSR2])
    func `takes a signal by which clusters announce an end as an interruption`(_ signal: Int32) async throws {
        try await run("echo step 5; kill -\(signal) $$; sleep 100") { end, _ in
            #expect(
                end == .interrupted(reason: "killed by signal \(signal), by which clusters announce an end: step 5"))
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
                    "PBT_ATTEMPT=1", "PBT_CHECKPOINT_OUT=\(attempt.checkpoint)", "PBT_DEPTH=1", "PBT_EXPERIMENT=toy",
                    "PBT_HYPERPARAMETERS=\(attempt.scratch)/hyperparameters.json", "PBT_INTERVAL=0",
                    "PBT_INTERVAL_SEED=\(attempt.assignment.experiment.intervalSeed(at: 0))", "PBT_MEMBER=0",
                    "PBT_PARAM_BATCH_SIZE=32", "PBT_PARAM_KIND=re lu", "PBT_PARAM_ON=true", "PBT_PARAM_RATE=0.25",
                    "PBT_RESULTS=\(attempt.scratch)/results.json",
                    "PBT_SCOPE=\(ProcessScope(of: attempt.scratch).token)", "PBT_SEED=\(attempt.assignment.seed)",
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
            (0, ["0,1", "2,3"], nil, "0,1"), (1, ["0,1", "2,3"], "4,5,6,7", "6,7"),
            (2, ["0,1", "2,3"], "4,5,6,7", "4,5"),
            (0, ["1,GPU-c"], "GPU-a,GPU-b,GPU-c", "GPU-b,GPU-c"), (0, ["GPU-b"], "GPU-a,GPU-beef", "GPU-b"),
        ] as [(Int, [String], String?, String)])
    func `gives each slot its device`(_ slot: Int, _ gpus: [String], _ pool: String?, _ device: String) async throws {
        var variables = ["PATH": "/usr/bin:/bin"]
        variables["CUDA_VISIBLE_DEVICES"] = pool
        try await run(
            "echo \"<$CUDA_VISIBLE_DEVICES>\"; exit 1", environment: TrainerEnvironment(variables), slot: slot,
            gpus: gpus
        ) { end, _ in #expect(end == .failed(reason: "exit 1: <\(device)>")) }
    }

    @Test(
        arguments: [
            (["0", "1"], 2, "4,7", nil, nil), (["0", "1"], 2, nil, nil, nil), (["0", "1"], 2, nil, 2, nil),
            (["0", "1", "2"], 2, "4,7", nil, nil), ([], 4, "", 0, nil), (["MIG-x"], 1, "4,7", nil, nil),
            (
                ["0", "1"], 2, "5", nil,
                "gpus: there is no device 1, since CUDA_VISIBLE_DEVICES is 5: 1 of them, counted from 0; change gpus, or "
                    + "unset CUDA_VISIBLE_DEVICES, or use 1 of the 2 with --workers 1"
            ),
            (["0", "1"], 1, "5", nil, nil),
            (
                ["0,1", "2,3"], 2, "4,5", nil,
                "gpus: there is no device 2, since CUDA_VISIBLE_DEVICES is 4,5: 2 of them, counted from 0; change gpus, or "
                    + "unset CUDA_VISIBLE_DEVICES, or use 1 of the 2 with --workers 1"
            ),
            (
                ["0"], 1, "", nil,
                "gpus: there is no device 0, since CUDA_VISIBLE_DEVICES is empty, which hides all GPUs; leave gpus out, or "
                    + "unset CUDA_VISIBLE_DEVICES"
            ),
            (
                ["GPU-a"], 1, "-1", nil,
                "gpus: there is no device GPU-a, since CUDA_VISIBLE_DEVICES is -1, which hides all GPUs; leave gpus out, or "
                    + "unset CUDA_VISIBLE_DEVICES"
            ),
            (
                ["1"], 1, "0,-1,1", nil,
                "gpus: there is no device 1, since CUDA_VISIBLE_DEVICES is 0,-1,1: 1 of them, counted from 0; change gpus, "
                    + "or unset CUDA_VISIBLE_DEVICES"
            ),
            (
                ["GPU-c"], 1, "GPU-a,MIG-b", nil,
                "gpus: there is no device GPU-c, since CUDA_VISIBLE_DEVICES is GPU-a,MIG-b; change gpus, or unset "
                    + "CUDA_VISIBLE_DEVICES"
            ),
            (["8"], 1, nil, 8, "gpus: there is no device 8: this machine has 8, counted from 0; change gpus"),
        ] as [([String], Int, String?, Int?, String?)])
    func `says before anything starts which device is not there`(
        _ gpus: [String], _ slots: Int, _ pool: String?, _ installed: Int?, _ problem: String?
    ) {
        var variables = ["PATH": "/usr/bin:/bin"]
        variables["CUDA_VISIBLE_DEVICES"] = pool
        let environment = TrainerEnvironment(variables, installedDevices: installed)
        #expect(environment.problem(withDevices: gpus, slots: slots) == problem)
    }

    @Test func `gives an interval back whose device is not in the pool`() async throws {
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

    @Test func `finds printed results before megabytes of other output, of which all is in the log`() async throws {
        let script = """
            echo '--- RESULTS ---'; echo '{"score": 1}'; echo '--- END RESULTS ---'
            head -c 6000000 /dev/zero | tr '\\0' x | fold -w 1000
            """
        try await run(script) { (end, attempt) throws in
            #expect(end == .trained(score: 1, metrics: ["score": 1]))
            #expect(
                try FileManager.default.attributesOfItem(atPath: attempt.log.string)[.size] as? Int ?? 0 > 6_000_000)
        }
    }

    @Test func `does not wait for a process that it cannot end to close the output`() async throws {
        try await withData { data in
            let attempt = try data.begin(Experiment.shell("true").assignment(), slot: 0)
            let output = try ProgramOutput(log: attempt.log)
            // Somebody else still has the pipe open.
            let copy = try output.output.duplicate()
            try copy.writeAll("--- RESULTS ---\n{\"score\": 1}\n--- END RESULTS ---\n".utf8)
            let printed = await output.finish()
            #expect(printed.output == .block(candidates: printed.texts, line: 1))
            #expect(printed.errors == .nothing)
            #expect(try attempt.log.text()?.hasSuffix("--- END RESULTS ---\n") == true)
            try copy.close()
        }
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

extension ProgramOutput.Printed {
    fileprivate var texts: [[UInt8]] {
        guard case .block(let texts, _) = output else { return [] }
        return texts
    }
}
