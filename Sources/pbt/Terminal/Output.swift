// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTReport
import Synchronization
import SystemPackage

// Conventions for commands:
// - Results go to standard output through `Output.line` or `Output.json`; everything else (progress, warnings, questions)
//   goes to standard error through `Output.note` and `Output.warn`.
// - With `--json` (`@OptionGroup var format: FormatOptions`, `format.json`) the result is one JSON object or list through
//   `Output.json`, or one object a line through `Output.jsonLine`, and nothing else is on standard output.
// - To fail, throw a `PBTError` or `DocumentError` of the libraries unchanged, or `Failure(.noSuch, "problem; next step")`.
//   `Failure.init?(_:)` is the only place that maps errors to exit codes. Messages start in lowercase, without "error:".
// - `@OptionGroup var storeOptions: StoreOptions`, then `let opened = try await storeOptions.open()`: `opened.store` is the
//   store, `opened.data` the directory with its checkpoints and logs, `opened.location` its location. A missing store is an
//   error; only commands that create experiments open it with `creating: true`. Read-only commands open it with
//   `reading: true`, so that a read-only file will do.
// - Experiments are given by full name; the error of `store.record(of:)` lists the existing ones. `IntervalArgument` parses
//   MEMBER@INTERVAL or MEMBER.
// - `Terminal.output` and `Terminal.error` know color, width and encoding. Piped output is plain and never truncated.

/// Writes to the standard streams, unbuffered and completely.
enum Output {
    /// Writes a line to standard output.
    ///
    /// - Throws: A ``Failure`` when it cannot be written.
    static func line(_ text: String = "") throws {
        try write(text + "\n")
    }

    /// Writes text to standard output unchanged.
    ///
    /// - Throws: A ``Failure`` when it cannot be written.
    static func write(_ text: String) throws {
        if held.withLock({ $0?.append(text) }) != nil { return }
        do {
            try FileDescriptor.standardOutput.writeAll(text.utf8)
        } catch let error as Errno where error == .brokenPipe {
            // The reader closed the pipe (`pbt list | head -1`), which is not an error.
            throw Failure(.done, nil)
        } catch {
            throw Failure(.cannotWrite, "cannot write to standard output: \(error)")
        }
    }

    private static let held = Mutex<String?>(nil)

    /// Buffers what is written to standard output from now on, until ``release()``.
    static func hold() {
        held.withLock { $0 = "" }
    }

    /// Returns the buffered text, and ends the buffering.
    static func release() -> String {
        held.withLock { text in
            defer { text = nil }
            return text ?? ""
        }
    }

    /// Writes JSON to standard output: indented on a terminal, on one line elsewhere.
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

    /// Writes text to standard error unchanged.
    static func raw(_ text: String) {
        do {
            try FileDescriptor.standardError.writeAll(text.utf8)
        } catch {
            // Nothing is left to report this to, and the work matters more than its progress output.
        }
    }

    /// Asks a question on the terminal, and returns true for `y` or `yes`.
    static func confirms(_ question: String) -> Bool {
        raw("\(question) [y/N] ")
        let answer = (readLine() ?? "").lowercased()
        return answer == "y" || answer == "yes"
    }
}
