// SPDX-License-Identifier: Apache-2.0

import PBT
import SystemPackage
import Testing

@Suite("Founders that continue a checkpoint")
struct FounderTests {
    /// An experiment whose score is the number in the checkpoint that it continues, plus one.
    private static func definition(_ name: String, _ more: String = "", population: Int = 4) -> String {
        """
        name: \(name)
        objective: {metric: score, goal: maximize}
        population: \(population)
        intervals: 2
        space: {x: {uniform: [0, 1]}}
        command: [/bin/sh, count.sh, "{x}"]
        \(more)
        """
    }

    private static func place() throws -> Workplace {
        let place = try Workplace()
        try place.write(
            """
            n=0
            [ -z "$PBT_CHECKPOINT_IN" ] || n=$(cat "$PBT_CHECKPOINT_IN/n")
            n=$((n + 1))
            echo $n > "$PBT_CHECKPOINT_OUT/n"
            echo "{\\"score\\": $n, \\"x\\": $1}" > "$PBT_RESULTS"

            """, to: "count.sh")
        return place
    }

    private func scores(_ name: String, in place: Workplace) async throws -> [Double] {
        try #require(try await place.show(name)["members"]?.array).compactMap { $0["score"]?.double }
    }

    @Test func `--from continues checkpoint and hyperparameters of the best, and the same command resumes`()
        async throws
    {
        let place = try Self.place()
        try place.write(Self.definition("old"), to: "old.yaml")
        try place.write(Self.definition("new", "baseline: random_search"), to: "new.yaml")
        #expect(try await place.pbt("run", "old.yaml").code == 0)
        let missing = try await place.pbt("create", "new.yaml", "--from", "nobody")
        #expect(missing.code == 66, "\(missing.error)")
        #expect(missing.error.contains("there is no experiment \"nobody\""))
        let run = try await place.pbt("run", "new.yaml", "--from", "old")
        #expect(run.code == 0, "\(run.error)")
        #expect(try await scores("new", in: place) == [4, 4, 4, 4])
        #expect(try await scores("new.random_search", in: place) == [4, 4, 4, 4])
        for arguments in [["run", "new.yaml", "--from", "old"], ["run", "new.yaml"]] {
            let again = try await Command.run(arguments, in: place.directory)
            #expect(again.code == 0, "\(again.error)")
            #expect(again.error.contains("already finished"))
        }
        let best = try Value(json: try await place.pbt("best", "old", "--json").output)
        let why = try Value(json: try await place.pbt("explain", "new", "0@0", "--json").output)
        #expect(why["interval"]?["hyperparameters"] == best["hyperparameters"])
        #expect(why["continues"]?.string?.contains("of \"old\"") == true)
        let audit = try await place.pbt("explain", "new", "--all")
        #expect(audit.code == 0, "\(audit.output)")
        // An edit's founders continue the best too.
        try place.write(Self.definition("new", "baseline: random_search", population: 5), to: "new.yaml")
        #expect(try await place.pbt("edit", "new.yaml").code == 0)
        #expect(try await place.pbt("run", "new.yaml").code == 0)
        let added = try Value(json: try await place.pbt("explain", "new", "4@0", "--json").output)
        #expect(added["interval"]?["score"]?.double == 3)
    }

    @Test func `a directory in the file is copied: one for all, or one for each founder`() async throws {
        let place = try Self.place()
        let made = try await Command.shell(
            ["-c", "mkdir -p a b empty && echo 10 > a/n && echo 20 > b/n"], in: place.directory)
        #expect(made.code == 0)
        try place.write(Self.definition("all", "initial: {checkpoint: a}"), to: "all.yaml")
        try place.write(
            Self.definition("each", "initial: [{checkpoint: a, x: 0.5}, {x: 0.25}, {checkpoint: b}]"), to: "each.yaml")
        let checked = try await place.pbt("check", "all.yaml", "--json")
        #expect(checked.output.contains("reported score 11"), "\(checked.output)")
        #expect(try await place.pbt("run", "all.yaml").code == 0)
        #expect(try await scores("all", in: place) == [12, 12, 12, 12])
        // What becomes of the original does not matter.
        #expect(try await Command.shell(["-c", "rm -r a && mkdir a && echo 99 > a/n"], in: place.directory).code == 0)
        #expect(try await place.pbt("run", "all.yaml").code == 0)
        #expect(try await place.pbt("clone", "all", "twin").code == 0)
        #expect(try await place.pbt("worker", "pbt.sqlite", "twin").code == 0)
        #expect(try await scores("twin", in: place) == [12, 12, 12, 12])
        #expect(try await place.pbt("gc").code == 0)
        #expect(try await place.pbt("run", "each.yaml").code == 0)
        let first = try Value(json: try await place.pbt("explain", "each", "1@0", "--json").output)
        #expect(first["continues"] == .null)
        #expect(first["interval"]?["score"]?.double == 1)
        let third = try Value(json: try await place.pbt("explain", "each", "2@0", "--json").output)
        #expect(third["interval"]?["score"]?.double == 21)
        for (checkpoint, problem) in [
            ("nowhere", "does not exist"), ("count.sh", "is not a directory"), ("empty", "is an empty directory"),
            ("~/x", "~ and $HOME are not expanded"),
        ] {
            try place.write(Self.definition("bad", "initial: {checkpoint: \(checkpoint)}"), to: "bad.yaml")
            let refused = try await place.pbt("run", "bad.yaml")
            #expect(refused.code == 65, "\(refused.error)")
            #expect(refused.error.contains(problem), "\(refused.error)")
        }
        #expect(try await place.pbt("show", "bad").code == 66)
    }

    @Test func `what founders continue cannot be changed by an edit`() async throws {
        let place = try Self.place()
        #expect(
            try await Command.shell(["-c", "mkdir a b && echo 10 > a/n && echo 20 > b/n"], in: place.directory).code
                == 0)
        try place.write(Self.definition("all", "initial: {checkpoint: a}"), to: "all.yaml")
        #expect(try await place.pbt("create", "all.yaml").code == 0)
        for changed in ["initial: {checkpoint: b}", "initial: [{checkpoint: a}]", "from: all", ""] {
            try place.write(Self.definition("all", changed), to: "x.yaml")
            let edited = try await place.pbt("edit", "x.yaml", "--yes")
            #expect(edited.code == 65, "\(changed): \(edited.error)")
            #expect(edited.error.contains("the checkpoints that founders continue cannot change"), "\(edited.error)")
        }
        try place.write(Self.definition("all", "initial: {checkpoint: a}", population: 6), to: "all.yaml")
        #expect(try await place.pbt("edit", "all.yaml", "--yes").code == 0)
        #expect(try await place.pbt("run", "all.yaml").code == 0)
        #expect(try await scores("all", in: place).allSatisfy { $0 >= 12 })
    }

    @Test func `a directory that cannot be copied whole is refused with the reason`() async throws {
        let place = try Self.place()
        let made = try await Command.shell(
            ["-c", "mkdir in out && echo 10 > in/n && ln -s \"$PWD/in/n\" in/last && ln -s /etc/passwd out/p"],
            in: place.directory)
        #expect(made.code == 0)
        try place.write(Self.definition("in", "initial: {checkpoint: in}"), to: "in.yaml")
        #expect(try await place.pbt("run", "in.yaml").code == 0)
        let link = try await Command.shell(
            ["-c", "readlink pbt.data/in/checkpoints/m0000-i0000-a0/last"], in: place.directory)
        #expect(link.output == "n\n")
        for (path, problem) in [
            (".", "holds the data directory"), ("/", "holds the data directory"),
            ("pbt.data", "holds the data directory"),
            ("out", "\"p\" is a link to /etc/passwd, outside of the checkpoint"),
        ] {
            try place.write(Self.definition("bad", "initial: {checkpoint: \(path)}"), to: "bad.yaml")
            let refused = try await place.pbt("run", "bad.yaml")
            #expect(refused.code == 65, "\(path): \(refused.error)")
            #expect(refused.error.contains(problem), "\(refused.error)")
        }
        for checkpoint in [
            "{experiment: nobody, checkpoint: m0000-i0000-a0}", "{experiment: in, checkpoint: m0009-i0000-a9}",
        ] {
            try place.write(Self.definition("bad", "initial: {checkpoint: \(checkpoint)}"), to: "bad.yaml")
            #expect(try await place.pbt("run", "bad.yaml").code == 66)
        }
    }

    @Test func `many processes that create it at the same time agree`() async throws {
        let place = try Self.place()
        try place.write(Self.definition("old"), to: "old.yaml")
        #expect(try await place.pbt("run", "old.yaml").code == 0)
        try place.write(Self.definition("new", "from: old"), to: "new.yaml")
        let codes = try await withThrowingTaskGroup(of: Command.Answer.self) { group in
            for _ in 0..<6 { group.addTask { try await place.pbt("create", "new.yaml") } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(codes.allSatisfy { $0.code == 0 }, "\(codes.map(\.error))")
        #expect(try await place.pbt("gc", "new").code == 0)
        let copies = try await Command.shell(["-c", "ls pbt.data/new/checkpoints"], in: place.directory)
        #expect(copies.output.split(separator: "\n").count == 1, "\(copies.output)")
        #expect(try await place.pbt("run", "new.yaml").code == 0)
        #expect(try await scores("new", in: place).allSatisfy { $0 >= 4 })
    }

    @Test func `a backup holds what founders continue`() async throws {
        let place = try Self.place()
        #expect(try await Command.shell(["-c", "mkdir a && echo 10 > a/n"], in: place.directory).code == 0)
        try place.write(Self.definition("all", "initial: {checkpoint: a}"), to: "all.yaml")
        #expect(try await place.pbt("create", "all.yaml").code == 0)
        #expect(try await place.pbt("backup", "copy").code == 0)
        #expect(try await place.pbt("restore", "copy", "--store", "again.sqlite").code == 0)
        let run = try await place.pbt("worker", "again.sqlite", "all")
        #expect(run.code == 0, "\(run.error)")
        let shown = try Value(json: try await place.pbt("show", "all", "--store", "again.sqlite", "--json").output)
        #expect(shown["best"]?["score"]?.double == 12)
    }

    @Test func `clone --set changes keys, and says which are not there`() async throws {
        let place = try Self.place()
        try place.write(Self.definition("old"), to: "old.yaml")
        #expect(try await place.pbt("run", "old.yaml").code == 0)
        let cloned = try await place.pbt(
            "clone", "old", "new", "--set", "intervals=1", "--set", "space.x={uniform: [2, 3]}", "--set", "from=old")
        #expect(cloned.code == 0, "\(cloned.error)")
        #expect(try await place.pbt("worker", "pbt.sqlite", "new").code == 0)
        #expect(try await scores("new", in: place) == [3, 3, 3, 3])
        let best = try Value(json: try await place.pbt("best", "new", "--json").output)
        #expect((2...3).contains(try #require(best["hyperparameters"]?["x"]?.double)))
        for (pair, problem) in [
            ("x=1", "a hyperparameter is space.x"), ("seeed=3", "did you mean \"seed\"?"),
            ("seed", "is not of the form"),
            ("name=z", "the second argument is the new name"), ("intervals=-1", "must be at least 1"),
        ] {
            let refused = try await place.pbt("clone", "old", "other", "--set", pair)
            #expect(refused.code == 64, "\(refused.error)")
            #expect(refused.error.contains(problem), "\(refused.error)")
        }
    }
}
