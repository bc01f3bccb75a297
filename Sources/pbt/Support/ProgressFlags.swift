// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// The options for the output of a command that trains.
struct ProgressFlags: ParsableArguments {
    @Flag(name: .long, help: "Write events to standard output as JSON lines; the last one is the result.")
    var json = false

    @Flag(name: [.short, .long], help: "Print only errors and the result, in one line.")
    var quiet = false

    @Flag(name: [.short, .long], help: "Show every interval, copies, and the baseline's progress.")
    var verbose = false

    @Option(name: .long, help: "How progress is shown on standard error: auto, live, plain, json or none.")
    var progress = ProgressStyle.auto

    func validate() throws {
        if quiet, verbose { throw ValidationError("--quiet and --verbose contradict each other; give one") }
    }

    /// The output options.
    var options: ProgressOptions {
        ProgressOptions(style: progress, isQuiet: quiet, isVerbose: verbose, json: json)
    }
}
