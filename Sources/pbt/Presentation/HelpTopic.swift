// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import PBT

/// What `pbt help` knows beside the commands.
enum HelpTopic: String, CaseIterable {
    /// What exit codes mean.
    case exitCodes = "exit-codes"
    /// Which environment variables there are.
    case environment
    /// The manual page.
    case man

    /// What exit codes mean.
    static let codes: [(code: Int32, meaning: String)] = [
        (ExitStatus.done.rawValue, "done"),
        (ExitStatus.noResult.rawValue, "the experiment failed, or ended without a usable result"),
        (ExitStatus.usage.rawValue, "the command line is wrong"),
        (ExitStatus.badFile.rawValue, "the experiment file is wrong"),
        (ExitStatus.noSuch.rawValue, "no such file, experiment, member or interval"),
        (ExitStatus.unreachable.rawValue, "the store or server cannot be reached"),
        (ExitStatus.internalError.rawValue, "internal error: please report it"),
        (ExitStatus.cannotTrain.rawValue, "this worker cannot train (program, device, space), or was set aside"),
        (ExitStatus.cannotWrite.rawValue, "cannot write"),
        (ExitStatus.tryLater.rawValue, "try again later: something is busy or paused"),
        (ExitStatus.interrupted.rawValue, "interrupted by Ctrl-C; the same command goes on"),
        (ExitStatus.terminated.rawValue, "ended by SIGTERM or SIGHUP; the same command goes on"),
    ]

    /// Which environment variables there are.
    static let variables: [(name: String, meaning: String)] = [
        ("PBT_STORE", "the store, where --store does not say: a path, or a server's URL"),
        ("PBT_TOKEN", "the token for a server"),
        ("PBT_DATA", "where this machine sees a server's data directory"),
        ("PBT_CHECKPOINT_HASH", "full: worker and server hash every byte of large checkpoint files, not three parts"),
        ("NO_COLOR", "no colors, when it is not empty"),
        ("TERM", "no escape sequences, when it is dumb"),
        ("CI", "no lines that are redrawn, when it is set"),
        ("COLUMNS, LINES", "the terminal's size, where it does not tell"),
        ("PBT_PAGER, PAGER", "what shows an answer that is longer than the terminal: less; empty or cat: nothing"),
        ("LC_ALL, LC_CTYPE, LANG", "ASCII only, unless the locale is UTF-8"),
    ]

    /// The text of the topic that these arguments ask for; none when they ask for something else.
    ///
    /// - Throws: What reading the commands' own help throws.
    static func text(for arguments: some Collection<String>) throws -> String? {
        guard arguments.count == 2, arguments.first == "help", let name = arguments.dropFirst().first,
            let topic = HelpTopic(rawValue: name)
        else { return nil }
        switch topic {
        case .exitCodes: return table(codes.map { ("\($0.code)", $0.meaning) })
        case .environment: return table(variables.map { ($0.name, $0.meaning) })
        case .man: return try ManualPage().text
        }
    }

    private static func table(_ rows: [(String, String)]) -> String {
        let width = rows.map(\.0.count).max() ?? 0
        return rows.map { name, meaning in
            name + String(repeating: " ", count: width - name.count + 2) + meaning + "\n"
        }.joined()
    }
}
