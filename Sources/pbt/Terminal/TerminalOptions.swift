// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// The options for terminal output.
struct TerminalOptions: ParsableArguments {
    @Option(name: .long, help: "Colors: auto, always or never; auto: on a terminal, unless NO_COLOR is set.")
    var color = Terminal.ColorMode.auto

    @Flag(name: .long, help: "Write ASCII only, whatever the locale.")
    var ascii = false

    /// Applies the options: the only moment between parsing the command line and the first use of a terminal.
    func validate() {
        Terminal.choose(color, isASCII: ascii)
    }
}

extension Terminal.ColorMode: ExpressibleByArgument {}
