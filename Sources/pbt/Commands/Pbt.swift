// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import LibC
import PBT
import PBTReport

/// `pbt`, the root of all subcommands.
@main
struct Pbt: AsyncParsableCommand {
    /// The subcommands, under the headings that the help and the manual page have.
    static let groups = [
        CommandGroup(
            name: "Train",
            subcommands: [
                RunCommand.self, CheckCommand.self, CreateCommand.self, WorkerCommand.self, ReplayCommand.self,
                EvaluateCommand.self,
            ]),
        CommandGroup(
            name: "Inspect",
            subcommands: [
                ListCommand.self, ShowCommand.self, BestCommand.self, DownloadCommand.self, ScheduleCommand.self,
                LineageCommand.self, ExplainCommand.self, PlotCommand.self, ReportCommand.self, ExportCommand.self,
                WatchCommand.self, LogsCommand.self,
            ]),
        CommandGroup(name: "Serve", subcommands: [ServeCommand.self, TokenCommand.self]),
        CommandGroup(
            name: "Manage",
            subcommands: [
                CloneCommand.self, EditCommand.self, PushCommand.self, PauseCommand.self, ResumeCommand.self,
                StopCommand.self, RemoveCommand.self, CollectCommand.self, PinCommand.self, UnpinCommand.self,
                BackupCommand.self, RestoreCommand.self,
            ]),
    ]

    static let configuration = CommandConfiguration(
        commandName: "pbt",
        abstract: "Population Based Training for any training program.",
        discussion: """
            Start with an experiment file and a program that trains for one interval: pbt check FILE, then pbt run FILE.
            Exit codes: 0 done, 1 no usable result, 64 usage, 65 bad experiment file, 66 no such experiment or member, \
            69 store unreachable, 70 internal error, 71 cannot train, 73 cannot write, 75 try again later, 130 and 143 interrupted \
            (rerun the same command to resume). More: pbt help exit-codes, pbt help environment; the manual page: pbt help man.
            """,
        version: Version.current,
        groupedSubcommands: Self.groups)

    /// Parses the arguments, runs the subcommand, and exits with the code for its result.
    static func main() async {
        // A closed pipe shall fail the write, not kill a run and orphan its trainers.
        signal(SIGPIPE, SIG_IGN)
        do {
            let topic = try HelpTopic.text(
                for: CommandLine.arguments.dropFirst(),
                manual: { try ManualPage(help: _dumpHelp(), groups: groups) })
            if let topic { return try Output.write(topic) }
            try checkCommand(CommandLine.arguments.dropFirst())
            var command = try await asyncParseAsRoot()
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
            ExitTasks.run()
        } catch {
            leave(error)
        }
    }

    /// Checks that the first word names a subcommand, also after `help`.
    ///
    /// - Throws: A ``Failure`` with the most similar subcommand.
    private static func checkCommand(_ arguments: ArraySlice<String>) throws {
        let words = arguments.first == "help" ? arguments.dropFirst() : arguments
        guard let word = words.first, !word.hasPrefix("-"), word != "help" else { return }
        let subcommands = groups.flatMap(\.subcommands)
        let names = subcommands.flatMap { [$0._commandName] + $0.configuration.aliases }
        guard !names.contains(word) else { return }
        let similar = nearest(to: word, among: names)
        throw Failure(
            .usage,
            "there is no command \"\(PlainText.line(word))\"; "
                + (similar.map { "did you mean: pbt \($0)" } ?? "the commands are listed by: pbt help"))
    }

    /// Prints an error and ends the process.
    private static func leave(_ error: any Error) -> Never {
        if let failure = Failure(error) {
            if let message = failure.message {
                Output.note(Terminal.error.styled("error:", .red) + " " + message)
            }
            ExitTasks.leave(failure.status)
        }
        let text = fullMessage(for: error)
        switch exitCode(for: error) {
        case .success:
            // Help or version, on request.
            do { try Output.write(text + (text.hasSuffix("\n") || text.isEmpty ? "" : "\n")) } catch {
                ExitTasks.leave(.cannotWrite)
            }
            ExitTasks.leave(.done)
        case .validationFailure:
            let prefix = "Error: "
            Output.note("error: " + (text.hasPrefix(prefix) ? String(text.dropFirst(prefix.count)) : text))
            ExitTasks.leave(.usage)
        case let code where error is ExitCode:
            ExitTasks.run()
            Self.exit(withError: code)
        default:
            Output.note(
                Terminal.error.styled("error:", .red)
                    + " internal error: \(error); this is a bug in pbt, please report it")
            ExitTasks.leave(.internalError)
        }
    }
}
