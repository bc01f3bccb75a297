// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import LibC
import Subprocess
import SystemPackage

/// The option to page output that is longer than the screen.
struct PagerOptions: ParsableArguments {
    @Flag(name: .long, help: "Do not page output that is longer than the terminal.")
    var noPager = false

    /// Shows what the body writes to standard output, through a pager when it is longer than the terminal.
    ///
    /// Output before an error is shown without a pager.
    ///
    /// - Throws: The error of the body, or a ``Failure`` when the output cannot be written.
    func page(_ body: () async throws -> Void) async throws {
        guard !noPager, let pager = Pager() else { return try await body() }
        Output.hold()
        do {
            try await body()
        } catch {
            try Output.write(Output.release())
            throw error
        }
        try await pager.show(Output.release())
    }
}

/// The program that shows long output, chosen as by `git`: `PBT_PAGER`, else `PAGER`, else `less`.
struct Pager {
    private let program: String
    private let terminal = Terminal.output

    /// Finds the pager; nil where standard output is not a terminal, or where the variable is empty or `cat`.
    init?() {
        program = (getenv("PBT_PAGER") ?? getenv("PAGER")).map { String(cString: $0) } ?? "less"
        guard terminal.takesEscapes, !program.isEmpty, program != "cat" else { return nil }
    }

    /// Shows text, through the program only when it is longer than the terminal.
    ///
    /// - Throws: A ``Failure`` when it cannot be written.
    func show(_ text: String) async throws {
        let width = max(1, terminal.width ?? 80)
        let rows = text.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
            .reduce(0) { $0 + max(1, ($1.count + width - 1) / width) }
        guard rows >= terminal.height else { return try Output.write(text) }
        // An unlinked file rather than a pipe: the pager may exit early.
        guard let file = tmpfile() else { return try Output.write(text) }
        defer { fclose(file) }
        let input = FileDescriptor(rawValue: fileno(file))
        // Ctrl-C is for the pager: it must survive to restore the terminal's settings.
        signal(SIGINT, SIG_IGN)
        signal(SIGQUIT, SIG_IGN)
        var variables: [Environment.Key: String] = [:]
        if getenv("LESS") == nil { variables["LESS"] = "FRX" }
        if getenv("LV") == nil { variables["LV"] = "-c" }
        do {
            try input.writeAll(text.utf8)
            try input.seek(offset: 0, from: .start)
            let result = try await Subprocess.run(
                .path("/bin/sh"), arguments: ["-c", program],
                environment: .inherit.updating(variables.mapValues { Optional($0) }),
                input: .fileDescriptor(input, closeAfterSpawningProcess: false),
                output: .fileDescriptor(.standardOutput, closeAfterSpawningProcess: false),
                error: .fileDescriptor(.standardError, closeAfterSpawningProcess: false))
            // The shell's exit codes for a program that is missing or not executable.
            guard [.exited(126), .exited(127)].contains(result.terminationStatus) else { return }
        } catch {
            // The text matters more than the paging.
        }
        try Output.write(text)
    }
}
