// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import PBT

/// The topics of `pbt help` other than commands.
enum HelpTopic: String, CaseIterable {
    /// The exit codes.
    case exitCodes = "exit-codes"
    /// The environment variables.
    case environment
    /// The manual page.
    case man

    /// The exit codes and their meanings.
    static let codes: [(code: Int32, meaning: String)] = [
        (ExitStatus.done.rawValue, "done"),
        (ExitStatus.noResult.rawValue, "the experiment failed, or ended without a usable result"),
        (ExitStatus.usage.rawValue, "the command line is invalid"),
        (ExitStatus.badFile.rawValue, "the experiment file is invalid"),
        (ExitStatus.noSuch.rawValue, "no such file, experiment, member or interval"),
        (ExitStatus.unreachable.rawValue, "the store or server cannot be reached"),
        (ExitStatus.internalError.rawValue, "internal error; please report it"),
        (ExitStatus.cannotTrain.rawValue, "this worker cannot train (program, device, space), or was set aside"),
        (ExitStatus.cannotWrite.rawValue, "cannot write"),
        (ExitStatus.tryLater.rawValue, "try again later: something is busy or paused"),
        (ExitStatus.interrupted.rawValue, "interrupted by Ctrl-C; rerun the same command to resume"),
        (ExitStatus.terminated.rawValue, "terminated by SIGTERM or SIGHUP; rerun the same command to resume"),
    ]

    /// The environment variables and their meanings.
    static let variables: [(name: String, meaning: String)] = [
        ("PBT_STORE", "the store, unless --store is given: a path, or a server's URL"),
        ("PBT_TOKEN", "the token for a server"),
        ("PBT_DATA", "the path of a server's data directory on this machine"),
        (
            "PBT_CHECKPOINT_HASH",
            "full: worker and server hash every byte of large checkpoint files, not just three parts"
        ),
        ("PBT_RUNTIME_DIR", "the directory of the locks of devices; default: /tmp/pbt-UID"),
        ("NO_COLOR", "no colors, when it is not empty"),
        ("TERM", "no escape sequences, when it is dumb"),
        ("CI", "no redrawn lines, when it is set"),
        ("COLUMNS, LINES", "the terminal's size, where the terminal does not report it"),
        ("PBT_PAGER, PAGER", "the pager for output longer than the terminal; default: less; empty or cat: none"),
        ("LC_ALL, LC_CTYPE, LANG", "ASCII only, unless the locale is UTF-8"),
    ]

    /// Returns the text of the topic that the arguments name; nil when they name none.
    ///
    /// - Parameters:
    ///   - arguments: The command line without the program's name.
    ///   - manual: Creates the manual page.
    /// - Returns: The text.
    /// - Throws: The error of `manual`.
    static func text(for arguments: some Collection<String>, manual: () throws -> ManualPage) throws -> String? {
        guard arguments.count == 2, arguments.first == "help", let name = arguments.dropFirst().first,
            let topic = HelpTopic(rawValue: name)
        else { return nil }
        switch topic {
        case .exitCodes: return table(codes.map { ("\($0.code)", $0.meaning) })
        case .environment: return table(variables.map { ($0.name, $0.meaning) })
        case .man: return try manual().text
        }
    }

    private static func table(_ rows: [(String, String)]) -> String {
        let width = rows.map(\.0.count).max() ?? 0
        return rows.map { name, meaning in
            name + String(repeating: " ", count: width - name.count + 2) + meaning + "\n"
        }.joined()
    }
}
