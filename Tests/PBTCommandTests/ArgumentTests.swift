// SPDX-License-Identifier: Apache-2.0

import SystemPackage
import Testing

/// Arguments that are wrong, and what `pbt` says about them.
struct BrokenCall: Sendable, CustomTestStringConvertible {
    let arguments: [String]
    let code: Int32
    /// The beginning of what follows `error: `; `DIRECTORY` stands for the current directory.
    let message: String

    init(_ arguments: String, _ code: Int32, _ message: String) {
        self.arguments = arguments.split(separator: " ").map { $0 == "''" ? "" : String($0) }
        self.code = code
        self.message = message
    }

    var testDescription: String { "pbt \(arguments.joined(separator: " "))" }

    /// Without any store.
    static let withoutStore = [
        BrokenCall("run", 64, "Missing expected argument '<file>'\n"),
        BrokenCall("frobnicate", 64, "there is no command \"frobnicate\"; the commands are listed by: pbt help\n"),
        BrokenCall("rn toy.yaml", 64, "there is no command \"rn\"; did you mean: pbt run\n"),
        BrokenCall("help shwo", 64, "there is no command \"shwo\"; did you mean: pbt show\n"),
        BrokenCall("run toy.yaml --wrokers 2", 64, "Unknown option '--wrokers'. Did you mean '--workers'?\n"),
        BrokenCall("run toy.yaml --workers 0", 64, "--workers must be between 1 and 4096, not 0\n"),
        BrokenCall("run toy.yaml --workers many", 64, "The value 'many' is invalid for '--workers <workers>'\n"),
        BrokenCall("run toy.yaml -q -v", 64, "--quiet and --verbose contradict each other; give one\n"),
        BrokenCall("run toy.yaml --progress fancy", 64, "The value 'fancy' is invalid for '--progress <progress>'."),
        BrokenCall("run toy.yaml --name -f", 64, "Missing value for '--name <name>'\n"),
        BrokenCall("run toy.yaml --name=-f", 64, "--name must not start with '-', which would be read as an option\n"),
        BrokenCall("run ''", 64, "the experiment file's name is empty\n"),
        BrokenCall(
            "list", 69, "there is no store DIRECTORY/pbt.sqlite; say where it is with --store FILE or PBT_STORE"),
        BrokenCall("worker other.sqlite", 69, "there is no store DIRECTORY/other.sqlite; "),
        BrokenCall("list --store ''", 64, "the store's name is empty; give a path, for example --store pbt.sqlite\n"),
        BrokenCall(
            "run toy.yaml --store postgresql://host/db", 69,
            "PostgreSQL stores are not in this build (postgresql://host/db); use a file: --store pbt.sqlite\n"),
        BrokenCall(
            "list --store http://127.0.0.1:1", 69,
            "cannot reach the server http://127.0.0.1:1: connection refused; is it running, and is this its address? "),
        BrokenCall(
            "worker http://127.0.0.1:1", 69,
            "cannot reach the server http://127.0.0.1:1: connection refused; is it running, and is this its address? "),
        BrokenCall(
            "list --store https://me:secret@host", 64,
            "the server's address contains a user or a token, which others can see; put a token into PBT_TOKEN or a file; "
                + "write it as https://host:7070\n"),
        BrokenCall(
            "worker toy.sqlite --cache x", 69, "there is no store DIRECTORY/toy.sqlite; "),
        BrokenCall(
            "list --store redis://host", 64,
            "unknown kind of store \"redis\" in \"redis://host\"; give a path, sqlite:///path, or https://host:7070\n"),
        BrokenCall("list --store sqlite://", 64, "\"sqlite://\" has no path; write sqlite:///path/to/pbt.sqlite\n"),
        BrokenCall(
            "list --store toy.yaml", 69, "DIRECTORY/toy.yaml is not a SQLite file; name another file with --store\n"),
        BrokenCall(
            "list --store .", 69, "DIRECTORY is a directory; name a file in it, for example DIRECTORY/pbt.sqlite\n"),
        BrokenCall(
            "run toy.yaml --store no/such/place.sqlite", 69,
            "there is no directory DIRECTORY/no/such for the store DIRECTORY/no/such/place.sqlite; create it first\n"),
    ]

    /// With a store that has the experiment `toy`, which is over, and `fresh`, which is not.
    static let withStore = [
        BrokenCall("show tyo", 66, "there is no experiment \"tyo\"; did you mean \"toy\"?\n"),
        BrokenCall(
            "pause nothing-like-it", 66, "there is no experiment \"nothing-like-it\"; there are \"toy\", \"fresh\"\n"),
        BrokenCall("resume nothing-like-it", 66, "there is no experiment \"nothing-like-it\"; there are "),
        BrokenCall("stop nothing-like-it", 66, "there is no experiment \"nothing-like-it\"; there are "),
        BrokenCall("rm -f nothing-like-it", 66, "there is no experiment \"nothing-like-it\"; there are "),
        BrokenCall("gc nothing-like-it", 66, "there is no experiment \"nothing-like-it\"; there are "),
        BrokenCall("worker pbt.sqlite nothing-like-it", 66, "there is no experiment \"nothing-like-it\"; there are "),
        BrokenCall("push nothing-like-it x=1", 66, "there is no experiment \"nothing-like-it\"; there are "),
        BrokenCall("push fresh x=2", 64, "hyperparameter \"x\" must be between 0.0 and 1.0, not 2\n"),
        BrokenCall("push fresh x=word", 64, "hyperparameter \"x\" must be "),
        BrokenCall("push fresh y=1", 64, "there is no hyperparameter \"y\" in the space; did you mean \"x\"?\n"),
        BrokenCall("push fresh x", 64, "\"x\" is not of the form name=value, for example learning_rate=0.001\n"),
        BrokenCall("push fresh =1", 64, "\"=1\" is not of the form name=value, for example learning_rate=0.001\n"),
        BrokenCall("push fresh x=0.1 x=0.2", 64, "x is given twice\n"),
        BrokenCall("push fresh", 64, "Missing expected argument '<name=value> ...'\n"),
        BrokenCall("push toy x=0.1", 64, "experiment \"toy\" has ended (finished); nothing can be queued\n"),
        BrokenCall("pause toy", 64, "experiment \"toy\" has ended (finished); it cannot be paused\n"),
        BrokenCall("resume toy", 64, "experiment \"toy\" is finished; there is nothing to resume\n"),
        BrokenCall(
            "rm toy", 64, "there is no terminal to confirm on; to delete toy without confirmation: pbt rm -f toy\n"),
        BrokenCall("pin toy 0", 64, "\"0\" names a member; name an interval of it: 0@INDEX, for example 0@0\n"),
        BrokenCall("pin toy zero", 64, "\"zero\" is not an interval; name MEMBER@INTERVAL, for example 3@12"),
        BrokenCall("pin toy 7@0", 66, "experiment \"toy\" has no interval 7@0: members are 0 to 1, "),
        BrokenCall("pin toy 0@0", 64, "interval 0@0 of \"toy\" has no checkpoint to keep (any longer)\n"),
    ]
}

@Suite(.timeLimit(.minutes(10))) struct ArgumentTests {
    @Test(arguments: BrokenCall.withoutStore)
    func `wrong arguments are refused with what would be right`(_ call: BrokenCall) async throws {
        let place = try Workplace()
        try place.experiment()
        try await check(call, in: place)
        #expect(!place.has("pbt.sqlite"))
    }

    @Test func `what is not in the store is refused with what is`() async throws {
        let place = try Workplace()
        try place.experiment(intervals: 2)
        try place.experiment("fresh")
        #expect(try await place.pbt("run", "toy.yaml").code == 0)
        #expect(try await place.pbt("create", "fresh.yaml").code == 0)
        for call in BrokenCall.withStore {
            try await check(call, in: place)
        }
    }

    private func check(_ call: BrokenCall, in place: Workplace) async throws {
        let answer = try await Command.run(call.arguments, in: place.directory)
        let message = call.message.replacing("DIRECTORY", with: place.directory.string)
        #expect(answer.error.hasPrefix("error: \(message)"), "\(call): \(answer.error)")
        #expect(answer.code == call.code, "\(call)")
        #expect(answer.output.isEmpty, "\(call)")
    }

    @Test func `help and version are answers`() async throws {
        let place = try Workplace()
        let help = try await place.pbt("--help")
        #expect(help.code == 0)
        #expect(help.output.contains("TRAIN SUBCOMMANDS:"))
        #expect(help.error.isEmpty)
        let version = try await place.pbt("--version")
        #expect(version.code == 0)
        #expect(version.output.split(separator: "\n").count == 1)
    }

    @Test func `an answer that cannot be written is an error, and a reader that has seen enough is not`() async throws {
        let place = try Workplace()
        try place.experiment()
        #expect(try await place.pbt("run", "toy.yaml").code == 0)
        #if os(Linux)
            try place.write("exec \"$1\" show toy > /dev/full\n", to: "full.sh")
            let full = try await Command.shell(["full.sh", Command.executable.string], in: place.directory)
            #expect(full.code == 73)
            #expect(full.error.hasPrefix("error: cannot write to standard output: "))
        #endif
        try place.write("\"$1\" show toy | :\n", to: "closed.sh")
        let closed = try await Command.shell(["closed.sh", Command.executable.string], in: place.directory)
        #expect(closed.error.isEmpty)
    }
}
