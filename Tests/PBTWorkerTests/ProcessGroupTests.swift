// SPDX-License-Identifier: Apache-2.0

import Foundation
import PBT
import PBTTesting
import SystemPackage
import TestSupport
import Testing

@testable import PBTCheckpoints
@testable import PBTWorker

extension Bundle {
    /// The built `SpawnHammer`, beside the test bundle.
    fileprivate static var hammer: String? {
        let bundle = allBundles.first { $0.bundlePath.hasSuffix(".xctest") }
        let products = bundle?.bundleURL.deletingLastPathComponent() ?? main.bundleURL
        let path = products.appending(path: "SpawnHammer").path
        return FileManager.default.isExecutableFile(atPath: path) ? path : nil
    }
}

@Suite(.timeLimit(.minutes(10))) struct `A trainer's processes` {
    @Test func `are all killed after the grace period, also a grandchild that ignores SIGTERM`() async throws {
        try await withTemporaryDirectory { root in
            let pipe = try Pipe(FilePath(root).appending("pipe"))
            let script = """
                trap "" TERM; echo working; echo $$ > $PBT_CHECKPOINT_OUT/leader
                sh -c 'trap "" TERM; echo $$ > $PBT_CHECKPOINT_OUT/grandchild; echo > \(pipe.path)
                    while :; do sleep 100; done' &
                while :; do sleep 100; done
                """
            // The time is over as soon as the grandchild is there.
            let clock = PipeClock(pipe)
            try await run(script, timeout: .seconds(600), grace: .milliseconds(200), clock: clock) {
                (end, attempt) throws in
                #expect(end == .failed(reason: "timed out after 600s: working"))
                #expect(try !isAlive(attempt.checkpoint.appending("grandchild").text()))
                #expect(try !isAlive(attempt.checkpoint.appending("leader").text()))
            }
        }
    }

    @Test func `get the grace period even if the shell that leads them ends at once`() async throws {
        try await withTemporaryDirectory { root in
            let pipe = try Pipe(FilePath(root).appending("pipe"))
            let script = """
                sh -c 'trap "echo saved > $PBT_CHECKPOINT_OUT/saved; exit" TERM; echo > \(pipe.path)
                    while :; do sleep 0.05; done' &
                wait
                """
            try await run(script, timeout: .seconds(600), grace: .seconds(60), clock: PipeClock(pipe)) {
                (end, attempt) throws in
                guard case .failed(let reason) = end else {
                    Issue.record("it ended as \(end)")
                    return
                }
                #expect(reason.hasPrefix("timed out after 600s"))
                #expect(try attempt.checkpoint.appending("saved").text() == "saved\n")
            }
        }
    }

    @Test func `are not left behind when the program ends by itself`() async throws {
        let script = """
            sleep 1000 & echo $! > $PBT_CHECKPOINT_OUT/child
            echo '{"score": 1}' > $PBT_RESULTS
            """
        try await run(script) { (end, attempt) throws in
            #expect(end == .trained(score: 1, metrics: ["score": 1]))
            #expect(try !isAlive(attempt.checkpoint.appending("child").text()))
        }
    }

    @Test(arguments: ["exit 0", "exit 1", "exit 75"])
    func `are asked to end when the attempt is cancelled, which is an interruption whatever they answer`(
        _ answer: String
    ) async throws {
        try await withData { data in
            try FileSystem.makeDirectories(data.root)
            let pipe = try Pipe(data.root.appending("pipe"))
            let script = """
                trap 'echo asked > $PBT_CHECKPOINT_OUT/asked; \(answer)' TERM
                echo '{"score": 1}' > $PBT_RESULTS
                echo $$ > \(pipe.path)
                while :; do sleep 0.05; done
                """
            let attempt = try data.begin(Experiment.shell(script).assignment(), slot: 0)
            let task = Task { await CommandExecutor().run(attempt) }
            let leader = try await pipe.read()
            task.cancel()
            #expect(await task.value == .interrupted(reason: "the worker was stopped"))
            #expect(try attempt.checkpoint.appending("asked").text() == "asked\n")
            #expect(try !isAlive(leader))
        }
    }

    @Test func `are reached by no signal that is meant for the worker, also while they start`() async throws {
        try await withTemporaryDirectory { root in
            let output = FilePath(root).appending("output")
            let hammer = try #require(Bundle.hammer)
            // A shell, so that the output is in a file; its end is that of the program.
            let ended = try await withProcess(["/bin/sh", "-c", "exec '\(hammer)' '\(root)' > '\(output)'"]) {
                await $0.isKilled()
            }
            #expect(!ended)
            #expect(try output.text() == #"{"done":200,"planned":200,"reasons":[]}"# + "\n")
        }
    }

    @Test(arguments: [
        ("#!/no/such/interpreter\n", "No such file or directory; is the interpreter there that its first line names?"),
        (
            "\u{7f}ELF",
            "Exec format error; not executable on this machine (wrong architecture?), and its first line names no "
                + "interpreter"
        ),
    ])
    func `that cannot be started say why`(_ text: String, _ problem: String) async throws {
        try await withTemporaryDirectory { root in
            let program = FilePath(root).appending("train")
            try program.write(text)
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: program.string)
            var experiment = Experiment.shell("true", in: FilePath(root))
            experiment.trainer?.command = ["./train"]
            let data = DataDirectory(FilePath(root).appending("data"))
            let end = await CommandExecutor().run(try data.begin(experiment.assignment(), slot: 0))
            #expect(end == .unable(WorkerProblem("cannot start \(root)/./train: \(problem)", isTransient: false)))
        }
    }

    @Test(arguments: [
        (EAGAIN, true), (ENOMEM, true), (EMFILE, true), (ENFILE, true), (ETXTBSY, true), (EACCES, false),
        (ENOENT, false), (ENOEXEC, false),
    ])
    func `that a machine cannot start are the machine's fault, for now or for good`(
        _ problem: Int32, _ isTransient: Bool
    ) throws {
        let error = Invocation.failure(toStart: "/bin/train", problem)
        guard case .unable(let found) = CommandExecutor.end(because: error) else {
            Issue.record("\(error) is charged to the interval")
            return
        }
        #expect(found.isTransient == isTransient)
        #expect(found.reason.hasPrefix("cannot start /bin/train: "))
    }

    @Test func `whose arguments are too long fail`() {
        let error = Invocation.failure(toStart: "/bin/train", E2BIG)
        guard case .failed(let reason) = CommandExecutor.end(because: error) else {
            Issue.record("\(error) is not charged to the interval")
            return
        }
        #expect(reason.hasSuffix("its arguments and the environment are too long"))
    }

    @Test(arguments: [EMFILE, ENFILE])
    func `that cannot be started for want of a descriptor are given back`(_ problem: Int32) {
        let end = CommandExecutor.end(because: Invocation.failure(toStart: "/bin/train", problem))
        guard case .unable(let found) = end else {
            Issue.record("\(end) is charged to the interval")
            return
        }
        #expect(found.isTransient)
        #expect(found.reason.contains("\(Errno(rawValue: problem)); raise the limit of open files (ulimit -n)"))
    }

    @Test func `begin with no file open but the standard three, and with no signal blocked or ignored`() async throws {
        let script = """
            ls /proc/self/fd > $PBT_CHECKPOINT_OUT/files
            grep -E '^Sig(Blk|Ign)' /proc/self/status > $PBT_CHECKPOINT_OUT/signals
            readlink /proc/self/fd/0 > $PBT_CHECKPOINT_OUT/input
            echo '{"score": 1}' > $PBT_RESULTS
            """
        guard FileManager.default.fileExists(atPath: "/proc/self/status") else { return }
        try await run(script) { (end, attempt) throws in
            #expect(end == .trained(score: 1, metrics: ["score": 1]))
            // The fourth is what the listing itself reads.
            #expect(try attempt.checkpoint.appending("files").text() == "0\n1\n2\n3\n")
            #expect(try attempt.checkpoint.appending("input").text() == "/dev/null\n")
            // Beyond 31 are signals that C libraries keep for themselves.
            let signals = try #require(try attempt.checkpoint.appending("signals").text()).split(separator: "\n")
                .compactMap { UInt64($0.split(separator: "\t").last ?? "", radix: 16) }
            #expect(signals.map { $0 & 0x7fff_ffff } == [0, 0])
        }
    }

    @Test func `do not start when the attempt is cancelled already`() async throws {
        try await withData { data in
            let attempt = try data.begin(
                Experiment.shell("echo x > $PBT_CHECKPOINT_OUT/x").assignment(), slot: 0)
            let task = Task {
                withUnsafeCurrentTask { $0?.cancel() }
                return await CommandExecutor().run(attempt)
            }
            #expect(await task.value == .interrupted(reason: "the worker was stopped"))
            #expect(try attempt.checkpoint.names() == [])
        }
    }

    @Test(arguments: [
        (
            ["no-such-program-here"],
            "there is no program \"no-such-program-here\" in PATH; install it, or name it by its path"
        ),
        (["train"], "there is no program \"train\" in PATH; there is one in the experiment's directory: write ./train"),
        (["./missing"], "there is no program DIRECTORY/./missing"),
        (
            ["./plain"],
            "DIRECTORY/./plain may not be executed; run chmod +x DIRECTORY/./plain, or put its interpreter before it in "
                + "the command"
        ),
        (["/usr"], "/usr is a directory, not a program"),
    ])
    func `are not started when the program is not there, and it says so`(
        _ command: [String], _ message: String
    ) async throws {
        try await withTemporaryDirectory { root in
            let root = FilePath(root)
            try root.appending("plain").write("echo x")
            try root.appending("train").write("echo x")
            var experiment = Experiment.shell("true", in: root)
            experiment.trainer?.command = command
            let data = DataDirectory(root.appending("data"))
            let end = await CommandExecutor().run(try data.begin(experiment.assignment(), slot: 0))
            let reason = message.replacing("DIRECTORY", with: root.string)
            #expect(end == .unable(WorkerProblem(reason, isTransient: false)))
        }
    }

    @Test func `are not started in a directory that is gone`() async throws {
        try await withData { data in
            let experiment = Experiment.shell("true", in: "/no/such/place")
            let end = await CommandExecutor().run(try data.begin(experiment.assignment(), slot: 0))
            #expect(
                end
                    == .unable(
                        WorkerProblem(
                            "the experiment's directory /no/such/place is not there; it is where the command is "
                                + "started", isTransient: false)))
        }
    }

    @Test func `run from a relative path with a slash, in the experiment's directory`() async throws {
        try await withTemporaryDirectory { root in
            let root = FilePath(root)
            try FileSystem.makeDirectory(root.appending("bin"))
            try root.appending("bin").appending("train").write(
                "#!/bin/sh\necho \"{\\\"score\\\": $2}\" > $PBT_RESULTS\n")
            try FileManager.default.setAttributes(
                [.posixPermissions: 0o755], ofItemAtPath: root.appending("bin").appending("train").string)
            var experiment = Experiment.shell("true", in: root)
            experiment.trainer?.command = ["bin/train", "{args}"]
            let data = DataDirectory(root.appending("data"))
            let attempt = try data.begin(experiment.assignment(hyperparameters: ["rate": 0.5]), slot: 0)
            #expect(await CommandExecutor().run(attempt) == .trained(score: 0.5, metrics: ["score": 0.5]))
        }
    }
}
