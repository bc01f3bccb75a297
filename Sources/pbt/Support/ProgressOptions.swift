// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// The style of progress output.
enum ProgressStyle: String, ExpressibleByArgument, CaseIterable, Sendable {
    /// Live on a terminal, plain elsewhere.
    case auto
    /// Lines that are redrawn, with events above them.
    case live
    /// A line for each event that matters.
    case plain
    /// Every event as a JSON object on a line.
    case json
    /// Nothing.
    case none
}

/// The output of a run.
struct ProgressOptions: Sendable {
    /// The style; never `auto`.
    var style: ProgressStyle
    /// Shows every interval, copies and the baseline's progress too.
    var isVerbose: Bool
    /// Writes events to standard output as JSON lines.
    var json: Bool

    /// Resolves the style for the terminal and the environment.
    init(style: ProgressStyle, isQuiet: Bool, isVerbose: Bool, json: Bool) {
        self.isVerbose = isVerbose
        self.json = json
        if isQuiet {
            self.style = .none
        } else if style == .auto {
            self.style = Terminal.error.takesEscapes && environment("CI") == nil ? .live : .plain
        } else {
            // Only a terminal can be redrawn.
            self.style = style == .live && !Terminal.error.takesEscapes ? .plain : style
        }
    }
}
