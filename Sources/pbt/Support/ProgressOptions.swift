// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// How progress is shown.
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

/// What is shown of a run.
struct ProgressOptions: Sendable {
    /// In which way; never `auto`.
    var style: ProgressStyle
    /// Whether every interval, copies and the baseline's progress are shown too.
    var isVerbose: Bool
    /// Whether events are written to standard output as JSON lines.
    var json: Bool

    /// What is shown, and whether there are lines that are redrawn.
    init(style: ProgressStyle, isQuiet: Bool, isVerbose: Bool, json: Bool) {
        self.isVerbose = isVerbose
        self.json = json
        if isQuiet {
            self.style = .none
        } else if style == .auto {
            self.style = Terminal.error.takesEscapes && environment("CI") == nil ? .live : .plain
        } else {
            // What is no terminal cannot be redrawn.
            self.style = style == .live && !Terminal.error.takesEscapes ? .plain : style
        }
    }
}
