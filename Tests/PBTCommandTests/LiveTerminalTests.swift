// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// What somebody sees who runs the command in a terminal, by looking at one.
@Suite(.timeLimit(.minutes(10)), .enabled(if: Tmux.isInstalled)) struct LiveTerminalTests {
    /// A run that waits at a gate, after it drew its lines.
    private func run(
        columns: Int = 80, rows: Int = 24, population: Int = 12, environment: [String: String] = [:],
        arguments: [String] = [], _ body: (Tmux, Workplace, Gate) async throws -> Void
    ) async throws {
        let place = try Workplace()
        try place.experiment(trainer: "gated.sh", population: population, intervals: 3, workers: 2)
        let gate = try Gate(in: place)
        try await Tmux.with(
            ["run", "toy.yaml"] + arguments, in: place, size: (columns, rows), environment: environment
        ) { terminal in
            try gate.open(for: population + 2)
            try await terminal.wait(for: "done lines") { rows in
                rows.contains { $0.contains("\(population + 2)/\(population * 3)") }
                    && rows.contains { $0.contains("training") || columns < 40 }
            }
            try await body(terminal, place, gate)
        }
    }

    /// The terminal is as it was before the command.
    private func expectRestored(_ terminal: Tmux, _ place: Workplace) async throws {
        #expect(try await terminal.flag("cursor_flag"))
        #expect(try await !terminal.flag("alternate_on"))
        #expect(try await terminal.flag("wrap_flag"))
        #expect(try place.read("after") == place.read("before"))
    }

    @Test(arguments: [(80, 24), (50, 24), (120, 40), (20, 12), (33, 5)])
    func `a run's lines fit the terminal, with the cursor hidden, and are gone after q`(
        _ columns: Int, _ rows: Int
    )
        async throws
    {
        try await run(columns: columns, rows: rows) { terminal, place, gate in
            #expect(try await terminal.wrappedRows() == 0)
            #expect(try await !terminal.flag("cursor_flag"))
            try await terminal.wait(for: "the bar, and at most 12 lines below it") { rows in
                rows.lastIndex { $0.contains("14/36") }.map { rows.count - $0 <= 13 } ?? false
            }
            try await terminal.press("q")
            // Before the running intervals end: it would start others.
            try await terminal.wait(for: rows > 20 ? "q again: stop immediately" : "q again")
            if rows > 20 { try await terminal.wait(for: "finishing the running intervals") }
            try gate.open(for: 2)
            let end = try await terminal.wait(for: "code 130")
            #expect(!end.contains { $0.contains("q again") || $0.contains("━") })
            #expect(end.joined().contains("to resume") || columns < 60)
            try await expectRestored(terminal, place)
        }
    }

    @Test(arguments: [
        (SIGTERM, 143), (SIGHUP, 143), (SIGSEGV, 139), (SIGABRT, 134), (SIGQUIT, 131), (SIGBUS, 135), (SIGTRAP, 133),
    ])
    func `however a run ends, the terminal is as it was`(_ signal: Int32, _ code: Int) async throws {
        try await run { terminal, place, _ in
            #expect(kill(try terminal.process(), signal) == 0)
            try await terminal.wait(for: "code \(code)")
            try await expectRestored(terminal, place)
        }
    }

    @Test func `the second Ctrl-C stops a run at once, and says how to go on`() async throws {
        try await run { terminal, place, _ in
            try await terminal.press("C-c")
            try await terminal.wait(for: "finishing the running intervals; press Ctrl-C again to stop immediately")
            try await terminal.press("C-c")
            let screen = try await terminal.wait(for: "code 130")
            #expect(screen.contains("stopped after 14 of 36 intervals; rerun the same command to resume"))
            try await expectRestored(terminal, place)
        }
    }

    @Test func `a run that is stopped by Ctrl-Z gives the terminal back, and takes it again when it continues`()
        async throws
    {
        try await run { terminal, place, gate in
            try await terminal.press("C-z")
            try await terminal.wait(for: "stopped")
            #expect(try await terminal.flag("cursor_flag"))
            try await terminal.press("Enter")
            try await terminal.wait(for: "cursor_flag", false)
            try gate.open()
            let screen = try await terminal.wait(for: "code 0")
            #expect(screen.contains { $0.contains("toy finished: best member ") })
            try await expectRestored(terminal, place)
        }
    }

    @Test func `a run that is sent to the background continues there, and reads nothing that is typed`() async throws {
        try await run { terminal, place, gate in
            try await terminal.press("C-z")
            try await terminal.wait(for: "stopped")
            try await terminal.press("bg", "Enter", "q", "q", "m")
            try gate.open()
            let screen = try await terminal.wait(for: "code 0")
            #expect(screen.contains { $0.contains("toy finished: best member ") })
            #expect(try await terminal.flag("cursor_flag"))
            #expect(try place.read("after") == place.read("before"))
        }
    }

    @Test func `m shows as many members as there is room for, and question mark what the keys do`() async throws {
        try await run(rows: 30) { terminal, place, gate in
            let isMember: (String) -> Bool = { $0.firstMatch(of: #/^.? +[0-9]+  (training|waiting|done) /#) != nil }
            try await terminal.wait(for: "some members") { rows in
                rows.contains { $0.contains("? help") } && rows.count(where: isMember) < 12
            }
            try await terminal.press("m")
            try await terminal.wait(for: "all members") { $0.count(where: isMember) == 12 }
            try await terminal.press("?")
            try await terminal.wait(for: "any key: back")
            try await terminal.wait(for: "finish the running intervals, then stop")
            try await terminal.press("x")
            try await terminal.wait(for: "m fewer")
            try await terminal.press("m")
            try await terminal.wait(for: "fewer members") { rows in
                rows.contains { $0.contains("m members") } && rows.contains { $0.contains(" more: ") }
                    && rows.count { $0.contains("14/36") } == 1
            }
            try gate.open()
            try await terminal.wait(for: "code 0")
            try await expectRestored(terminal, place)
        }
    }

    @Test func `a terminal that changes its size gets lines of that size`() async throws {
        try await run { terminal, _, gate in
            try await terminal.resize(to: 41, 20)
            try await terminal.wait(for: "narrow lines") { rows in
                rows.contains { $0.hasPrefix("14/36 ") && $0.count <= 40 }
                    && rows.count { $0.contains("14/36") } == 1
            }
            try await terminal.resize(to: 100, 20)
            try await terminal.wait(for: "wide lines") { rows in
                rows.contains { $0.hasPrefix("14/36 intervals ━━━") && $0.count > 60 }
                    && rows.count { $0.contains("14/36") } == 1
            }
            try gate.open()
            let screen = try await terminal.wait(for: "code 0")
            #expect(!screen.contains { $0.contains("14/36") })
        }
    }

    @Test func `p pauses a run, and resumes it`() async throws {
        try await run { terminal, _, gate in
            try await terminal.press("p")
            try await terminal.wait(for: "p resume")
            try await terminal.wait(for: "toy  paused  PBT")
            try gate.open()
            try await terminal.wait(for: "16/36")
            try await terminal.press("p")
            try await terminal.wait(for: "code 0")
        }
    }

    @Test func `without UTF-8 and colors there is ASCII and no attribute`() async throws {
        try await run(environment: ["LC_ALL": "C", "NO_COLOR": "1"]) { terminal, _, gate in
            let screen = try await terminal.wait(for: "####---")
            #expect(screen.joined().utf8.allSatisfy { $0 < 0x80 }, "\(screen)")
            try gate.open()
            try await terminal.wait(for: "code 0")
        }
    }

    /// An experiment that is over, and one that waits, watched.
    private func watch(
        columns: Int = 80, rows: Int = 24, arguments: [String] = [], _ body: (Tmux, Workplace) async throws -> Void
    ) async throws {
        let place = try Workplace()
        try place.experiment(population: 4)
        #expect(try await place.pbt("run", "toy.yaml").code == 0)
        #expect(try await place.pbt("create", "toy.yaml", "--name", "other").code == 0)
        try await Tmux.with(["watch"] + arguments, in: place, size: (columns, rows)) { terminal in
            try await terminal.wait(for: "q quit")
            try await body(terminal, place)
        }
    }

    @Test(arguments: [(80, 24), (50, 24), (30, 10)])
    func `watch shows the experiments, their members, a lineage, a schedule, and leaves nothing behind`(
        _ columns: Int, _ rows: Int
    ) async throws {
        try await watch(columns: columns, rows: rows) { terminal, place in
            #expect(try await terminal.flag("alternate_on"))
            #expect(try await !terminal.flag("cursor_flag"))
            try await terminal.wait(for: "toy")
            try await terminal.press("j", "Enter")
            try await terminal.wait(for: "12/12")
            try await terminal.press("j", "l")
            try await terminal.wait(for: "Lineage of ")
            try await terminal.press("h")
            try await terminal.wait(for: "Schedule of ")
            try await terminal.press("e")
            try await terminal.wait(for: "no failures")
            try await terminal.press("?")
            try await terminal.wait(for: "any key: back")
            try await terminal.press("x", "Escape")
            try await terminal.wait(for: "member  state")
            #expect(try await terminal.wrappedRows() == 0)
            try await terminal.press("q")
            try await terminal.wait(for: "code 0")
            try await expectRestored(terminal, place)
        }
    }

    @Test func `watch follows what happens, filters and sorts`() async throws {
        try await watch(arguments: ["other"]) { terminal, place in
            try await terminal.wait(for: "0/12 intervals")
            #expect(try await place.pbt("run", "toy.yaml", "--name", "other").code == 0)
            try await terminal.wait(for: "12/12 intervals")
            try await terminal.press("s")
            try await terminal.wait(for: "s sort: member")
            try await terminal.press("/", "2", "Enter")
            try await terminal.wait(for: "one member") { rows in
                rows.contains { $0.contains("filter \"2\"") } && rows.count { $0.contains("done") } == 1
            }
        }
    }

    @Test(arguments: [(SIGTERM, 143), (SIGINT, 130), (SIGSEGV, 139), (SIGABRT, 134)])
    func `however watch ends, the terminal is as it was`(_ signal: Int32, _ code: Int) async throws {
        try await watch { terminal, place in
            #expect(kill(try terminal.process(), signal) == 0)
            try await terminal.wait(for: "code \(code)")
            try await expectRestored(terminal, place)
        }
    }

    @Test func `watch without a terminal says what to use instead`() async throws {
        let place = try Workplace()
        let answer = try await place.pbt("watch", "toy")
        #expect(answer.code == 64)
        #expect(
            answer.error
                == "error: watch needs a terminal, and this is not one; for a snapshot: pbt show toy, for a script: "
                + "pbt show toy --json\n")
    }
}
