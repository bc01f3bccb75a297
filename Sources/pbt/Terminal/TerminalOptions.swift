// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// How a command may write to a terminal.
struct TerminalOptions: ParsableArguments {
    /// When colors are written.
    enum Color: String, ExpressibleByArgument, CaseIterable, Sendable {
        case auto, always, never
    }

    @Option(name: .long, help: "Colors: auto, always or never; auto: on a terminal, unless NO_COLOR is set.")
    var color = Color.auto

    @Flag(name: .long, help: "Write ASCII only, whatever the locale.")
    var ascii = false

    /// Not a check: the one moment between reading the command line and the first use of a terminal.
    func validate() {
        Terminal.choose(color, isASCII: ascii)
    }
}
