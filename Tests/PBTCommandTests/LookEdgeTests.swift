// SPDX-License-Identifier: Apache-2.0

import PBT
import Testing

/// Runs that are empty, small, broken, oddly named or large.
@Suite struct LookEdgeTests {
    /// Every looking command, on an experiment of that name.
    private static func all(_ name: String) -> [[String]] {
        let commands = [
            ["show"], ["show", "--all"], ["best"], ["best", "--path"], ["lineage"], ["lineage", "0"], ["schedule"],
            ["schedule", "0@0"], ["explain", "0@0"], ["explain", "--all"], ["export", "-o", "csv"],
            ["export", "-o", "json"],
        ]
        return commands.map { [$0[0], name] + $0.dropFirst() }
            + ["curves", "schedule", "lineage", "scatter", "share", "timeline", "comparison", "overview"].map {
                ["plot", $0, name, "-o", "-"]
            }
    }

    @Test func `an experiment that nobody has begun is shown, and has no best`() async throws {
        try await LookFixture.with { fixture in
            try await fixture.train(.looked("new", baseline: false), limit: 0) { _ in 1 }
            for arguments in Self.all("new") {
                let answer = try await fixture.pbt(arguments)
                let needsBest = ["best", "lineage", "schedule"].contains(arguments[0]) && arguments.last?.first != "0"
                #expect(answer.code == (needsBest ? 66 : 0), "\(arguments): \(answer)")
                if needsBest {
                    #expect(
                        answer.error
                            == "error: no interval of \"new\" is done, so there is no best one; see: pbt show new\n")
                }
            }
            let show = try await fixture.pbt("show", "new", "--json").json()
            #expect(show["best"] == .null)
            #expect(show["state"] == "running")
            #expect(show["intervals"]?["waiting"] == 6)
            #expect(show["members"]?.array?.map { $0["score"] } == Array(repeating: .null, count: 6))
            #expect(try await fixture.pbt("show", "new").lines.contains("result     no finished interval yet"))
        }
    }

    @Test func `a running experiment says what its members do`() async throws {
        try await LookFixture.with { fixture in
            var experiment = Experiment.looked("half", population: 3, baseline: false)
            experiment.isSynchronous = false
            experiment.decides = .early
            try await fixture.train(experiment, limit: 4) { Double($0.id.member) }
            let store = try fixture.store()
            _ = try await store.claim(from: "half", by: "worker", for: .seconds(60))
            let show = try await fixture.pbt("show", "half")
            #expect(show.lines.contains { $0.hasSuffix("training @1") })
            #expect(show.lines.contains { $0.hasSuffix("waiting for @2") })
            let best = try await fixture.pbt("best", "half")
            #expect(best.lines.first?.hasSuffix("(so far: the experiment is running)") == true)
            let members = try #require(try await fixture.pbt("show", "half", "--json").json()["members"]?.array)
            #expect(members.contains { $0["next"] == ["interval": 1, "state": "running"] })
        }
    }

    @Test func `one member is a population too`() async throws {
        try await LookFixture.with { fixture in
            try await fixture.train(.looked("one", population: 1, baseline: false)) { Double($0.id.index) }
            for arguments in Self.all("one") {
                let answer = try await fixture.pbt(arguments)
                #expect(answer.code == 0, "\(arguments): \(answer)")
                #expect(answer.error == "")
            }
            #expect(
                try await fixture.pbt("lineage", "one").lines.last == "4 intervals of training, 0 copies")
        }
    }

    @Test func `a run in which all diverged has no best and says so`() async throws {
        try await LookFixture.with { fixture in
            try await fixture.train(.looked("nan", population: 2, intervals: 2, baseline: false)) { _ in .infinity }
            for arguments in Self.all("nan") {
                let answer = try await fixture.pbt(arguments)
                let needsBest = ["best", "lineage", "schedule"].contains(arguments[0]) && arguments.last?.first != "0"
                #expect(answer.code == (needsBest ? 1 : 0), "\(arguments): \(answer)")
            }
            let show = try await fixture.pbt("show", "nan", "--json").json()
            #expect(show["state"] == "failed")
            #expect(show["best"] == .null)
            let members = try #require(show["members"]?.array)
            #expect(members.map { $0["score"] } == [.null, .null])
            #expect(members.map { $0["state"] } == ["diverged", "diverged"])
            let list = try await fixture.pbt("list")
            #expect(list.lines.last == "nan: no interval was ever done; the last one: the score is inf")
        }
    }

    @Test(arguments: ["<script>alert(1)</script>", "🦊 & \"quotes\"", "a/b", "../up", "ünï cödé", "100%", "x;rm -rf y"])
    func `a hostile name is only a name`(name: String) async throws {
        try await LookFixture.with { fixture in
            try await fixture.trainDigits(name)
            for arguments in Self.all(name) {
                let answer = try await fixture.pbt(arguments)
                #expect(answer.code == 0, "\(arguments): \(answer)")
                if arguments[0] == "plot" {
                    #expect(!answer.output.contains("<script>"))
                    #expect(answer.output.hasSuffix("</svg>\n"))
                }
            }
            #expect(try await fixture.pbt("list", "--json").json().array?.first?["name"] == .string(name))
            let path = try await fixture.pbt("best", name, "--path").output
            #expect(path.hasPrefix(fixture.directory + "/pbt.data/"))
            #expect(!path.contains("/../") && path.split(separator: "/").suffix(2).first == "checkpoints")
        }
    }

    @Test(arguments: [
        (["show", "digit"], "there is no experiment \"digit\"; did you mean \"digits\"?"),
        (["best", "other"], "there is no experiment \"other\"; there are \"digits\""),
        (["lineage", "digits", "9"], "experiment \"digits\" has no member 9; members are 0 to 5"),
        (["schedule", "digits", "2@9"], "experiment \"digits\" has no interval 2@9; the last of member 2 is 2@3"),
        (["explain", "digits", "7@1"], "experiment \"digits\" has no member 7; members are 0 to 5"),
        (["explain", "digits", "2@8"], "experiment \"digits\" has no interval 2@8; the last of member 2 is 2@3"),
        (["replay", "digit"], "there is no experiment \"digit\"; did you mean \"digits\"?"),
        (["plot", "curves", "digit", "-o", "x.svg"], "there is no experiment \"digit\"; did you mean \"digits\"?"),
        (["export", "digit", "-o", "x.csv"], "there is no experiment \"digit\"; did you mean \"digits\"?"),
    ])
    func `what is not there is said, with what is`(arguments: [String], message: String) async throws {
        try await LookFixture.with { fixture in
            try await fixture.train(.looked(baseline: false)) { Double($0.depth) }
            let answer = try await fixture.pbt(arguments)
            #expect(answer.code == 66)
            #expect(answer.error == "error: \(message)\n")
            #expect(answer.output == "")
        }
    }

    @Test func `what is piped has no escapes, and in a plain locale nothing but ASCII`() async throws {
        try await LookFixture.with { fixture in
            try await fixture.trainDigits()
            for arguments in Self.all("digits") + [["list"], ["explain", "digits", "0@2"]] {
                let answer = try await fixture.pbt(
                    arguments, environment: ["TERM": "xterm-256color", "COLUMNS": "40"])
                #expect(!answer.output.contains("\u{1b}"), "\(arguments)")
                guard !["plot", "export"].contains(arguments[0]) else { continue }
                let plain = try await fixture.pbt(arguments, environment: ["LC_ALL": "C"])
                #expect(plain.output.utf8.allSatisfy { $0 < 0x80 }, "\(arguments): \(plain.output)")
            }
        }
    }

    @Test func `of thousands of members the best twenty are shown, and all for a program`() async throws {
        try await LookFixture.with { fixture in
            let experiment = Experiment.looked("large", population: 3000, baseline: false)
            try await fixture.train(experiment, limit: 50) { Double($0.id.member) }
            for arguments in [["list"], ["lineage", "large"], ["explain", "large", "--all"]] {
                #expect(try await fixture.pbt(arguments).code == 0, "\(arguments)")
            }
            let show = try await fixture.pbt("show", "large")
            #expect(show.lines.count < 40)
            #expect(show.lines.contains("2980 more: --all"))
            #expect(try await fixture.pbt("show", "large", "--json").json()["members"]?.array?.count == 3000)
        }
    }
}
