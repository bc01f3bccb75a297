// SPDX-License-Identifier: Apache-2.0

#if os(Linux)
    import Foundation
    import PBT
    import PBTCheckpoints
    import PBTTesting
    import SystemPackage
    import TestSupport
    import Testing

    @testable import PBTWorker

    @Suite(.timeLimit(.minutes(10))) struct `Descendants that left the trainer's process group` {
        /// Starts a child in a session of its own, which ignores SIGTERM and says when it is there.
        private func leaving(_ pipe: Pipe, then: String) -> String {
            """
            setsid sh -c 'trap "" TERM; echo $$ > $PBT_CHECKPOINT_OUT/child; echo > \(pipe.path)
                while :; do sleep 100; done' &
            while [ ! -s $PBT_CHECKPOINT_OUT/child ]; do sleep 0.01; done
            \(then)
            """
        }

        @Test(arguments: [
            ("echo '{\"score\": 1}' > $PBT_RESULTS; exit 0", "trained"), ("exit 3", "exit 3"),
            ("kill -9 $$", "signal 9"),
            ("exit 75", "exit 75"),
        ])
        func `are gone when the program ends by itself`(_ ending: String, _ part: String) async throws {
            try await withTemporaryDirectory { root in
                let pipe = try Pipe(FilePath(root).appending("pipe"))
                async let isThere = pipe.read()
                try await run(leaving(pipe, then: ending)) { (end, attempt) throws in
                    #expect("\(end)".contains(part))
                    #expect(try !isAlive(attempt.checkpoint.appending("child").text()))
                }
                _ = try await isThere
            }
        }

        @Test func `are gone after the grace period when the interval's time is over`() async throws {
            try await withTemporaryDirectory { root in
                let pipe = try Pipe(FilePath(root).appending("pipe"))
                try await run(
                    leaving(pipe, then: "wait"), timeout: .seconds(600), grace: .milliseconds(200),
                    clock: PipeClock(pipe)
                ) { (end, attempt) throws in
                    #expect("\(end)".contains("timed out after 600s"))
                    #expect(try !isAlive(attempt.checkpoint.appending("child").text()))
                }
            }
        }

        @Test func `are asked to end first, and have the grace period to save`() async throws {
            try await withTemporaryDirectory { root in
                let pipe = try Pipe(FilePath(root).appending("pipe"))
                let script = """
                    setsid sh -c 'trap "echo saved > $PBT_CHECKPOINT_OUT/saved; exit" TERM; echo > \(pipe.path)
                        while :; do sleep 0.05; done' &
                    wait
                    """
                try await run(script, timeout: .seconds(600), grace: .seconds(60), clock: PipeClock(pipe)) {
                    (end, attempt) throws in
                    #expect("\(end)".contains("timed out after 600s"))
                    #expect(try attempt.checkpoint.appending("saved").text() == "saved\n")
                }
            }
        }

        @Test func `are gone when the attempt is cancelled, and those of another attempt live on`() async throws {
            try await withData { data in
                try FileSystem.makeDirectories(data.root)
                let pipes = try [0, 1].map { try Pipe(data.root.appending("pipe-\($0)")) }
                let attempts = try [0, 1].map { slot in
                    try data.begin(
                        Experiment.shell(leaving(pipes[slot], then: "wait"), grace: .zero).assignment(member: slot),
                        slot: slot)
                }
                let tasks = attempts.map { attempt in Task { await CommandExecutor().run(attempt) } }
                for pipe in pipes { _ = try await pipe.read() }
                let children = try attempts.map { try $0.checkpoint.appending("child").text() }
                tasks[0].cancel()
                #expect(await tasks[0].value == .interrupted(reason: "the worker was stopped"))
                #expect(try !isAlive(children[0]))
                #expect(try isAlive(children[1]))
                tasks[1].cancel()
                #expect(await tasks[1].value == .interrupted(reason: "the worker was stopped"))
                #expect(try !isAlive(children[1]))
            }
        }

        @Test func `are found after their worker was killed, by their scope and by their parents`() async throws {
            try await withData { data in
                let attempt = try data.begin(Experiment.shell("true").assignment(), slot: 0)
                let scope = ProcessScope(of: attempt.scratch)
                let pipe = try Pipe(data.root.appending("pipe"))
                // The child has an environment of its own.
                let script =
                    "env -i setsid sh -c 'echo $$ > \(data.root)/child; echo > \(pipe.path); exec sleep 1000' & wait"
                try await withProcess(
                    ["/bin/sh", "-c", script],
                    environment: [
                        ProcessScope.variable: scope.value(inside: "0123456789abcdef"), "PATH": "/usr/bin:/bin",
                    ]
                ) { process in
                    _ = try await pipe.read()
                    #expect(try Leftovers(of: attempt.scratch).kill() >= 2)
                    #expect(await process.isKilled())
                    #expect(try !isAlive(data.root.appending("child").text()))
                }
            }
        }

        @Test func `are marked with the scopes of all attempts around them`() {
            let inner = ProcessScope(of: "/data/toy/attempts/m0000-i0000-a1")
            #expect(inner.token.count == 16)
            #expect(inner != ProcessScope(of: "/data/toy/attempts/m0000-i0000-a2"))
            #expect(inner.value(inside: nil) == inner.token)
            #expect(inner.value(inside: "outer") == "outer,\(inner.token)")
            let environment = Array("PATH=/bin\0PBT_SCOPE=outer,\(inner.token)\0X=1\0".utf8)
            #expect(ProcessScope.scopes(in: environment) == ["outer", inner.token])
            #expect(ProcessScope.scopes(in: Array("XPBT_SCOPE=a\0".utf8)) == [])
        }

        @Test func `keep the scope of an attempt around this process, and lose all else of it`() throws {
            let environment = TrainerEnvironment(["PBT_SCOPE": "outer", "PBT_RESULTS": "/outer"])
            let entries = try environment.entries(
                adding: [:], scope: ProcessScope(of: "/x"), slot: 0, trainer: .init(command: ["a"], directory: "/"),
                threads: 1
            ).map { String(decoding: $0.dropLast(), as: UTF8.self) }
            #expect(entries.contains("PBT_SCOPE=outer,\(ProcessScope(of: "/x").token)"))
            #expect(!entries.contains { $0.hasPrefix("PBT_RESULTS") })
        }
    }
#endif
