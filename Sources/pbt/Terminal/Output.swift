// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTReport
import Synchronization
import SystemPackage

// How the commands talk, and what each new one uses:
// - An answer goes to standard output through `Output.line` or `Output.json`; everything else (progress, warnings,
//   questions) goes to standard error through `Output.note` and `Output.warn`.
// - With `--json` (`@OptionGroup var format: FormatOptions`, `format.json`) the answer is one JSON object or list through
//   `Output.json`, or one object a line through `Output.jsonLine`, and nothing else on standard output.
// - To fail, throw: a `PBTError` or `DocumentError` of the libraries as it is, or `Failure(.noSuch, "what; what next")`.
//   `Failure.init?(_:)` is the one place that turns errors into exit codes. Messages start with a small letter and have
//   no "error:" of their own.
// - `@OptionGroup var storeOptions: StoreOptions`, then `let opened = try await storeOptions.open()`: `opened.store` is the
//   store, `opened.data` the directory with its checkpoints and logs, `opened.location` where it is. A store that is
//   missing is an error; only what creates experiments opens it with `creating: true`.
//   What changes nothing opens it with `reading: true`, so that a store will do that may only be read.
// - An experiment is named by its whole name; `store.record(of:)` says which there are when it is not there.
//   `IntervalArgument` reads MEMBER@INTERVAL or MEMBER.
// - `Terminal.output` and `Terminal.error` know about color, width and UTF-8. What is piped is plain and never cut.

/// Writes to the standard streams, at once and whole.
enum Output {
    /// Writes a line of an answer to standard output.
    ///
    /// - Throws: A ``Failure`` when it cannot be written.
    static func line(_ text: String = "") throws {
        try write(text + "\n")
    }

    /// Writes a text of an answer to standard output as it is.
    ///
    /// - Throws: A ``Failure`` when it cannot be written.
    static func write(_ text: String) throws {
        if held.withLock({ $0?.append(text) }) != nil { return }
        do {
            try FileDescriptor.standardOutput.writeAll(text.utf8)
        } catch let error as Errno where error == .brokenPipe {
            // The reader has seen enough (`pbt list | head -1`): that is its right, and no more will be written.
            throw Failure(.done, nil)
        } catch {
            throw Failure(.cannotWrite, "cannot write to standard output: \(error)")
        }
    }

    private static let held = Mutex<String?>(nil)

    /// Keeps what is written to standard output from now on, until ``release()``.
    static func hold() {
        held.withLock { $0 = "" }
    }

    /// What was kept; from now on everything is written at once.
    static func release() -> String {
        held.withLock { text in
            defer { text = nil }
            return text ?? ""
        }
    }

    /// Writes a JSON answer to standard output: over several lines for a person, on one line for a program.
    ///
    /// - Throws: A ``Failure`` when it cannot be written.
    static func json(_ value: Value) throws {
        try line(Terminal.output.isTerminal ? value.prettyJSON : value.json)
    }

    /// Writes one of several JSON lines to standard output.
    ///
    /// - Throws: A ``Failure`` when it cannot be written.
    static func jsonLine(_ value: Value) throws {
        try line(value.json)
    }

    /// Writes a line to standard error.
    static func note(_ text: String) {
        raw(text + "\n")
    }

    /// Writes a line to standard error that begins with `warning: `.
    static func warn(_ text: String) {
        note(Terminal.error.styled("warning:", .yellow) + " " + text)
    }

    /// Writes a text to standard error as it is.
    static func raw(_ text: String) {
        do {
            try FileDescriptor.standardError.writeAll(text.utf8)
        } catch {
            // There is nowhere left to say so, and what is being done matters more than its progress being seen.
        }
    }

    /// Asks a question on the terminal, and returns true for `y` or `yes`.
    static func confirms(_ question: String) -> Bool {
        raw("\(question) [y/N] ")
        let answer = (readLine() ?? "").lowercased()
        return answer == "y" || answer == "yes"
    }
}
