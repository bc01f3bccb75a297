// SPDX-License-Identifier: Apache-2.0

import Logging
import PBTReport

/// Shows what the libraries log above the lines that are redrawn, for a person.
struct StatusLogHandler: LogHandler {
    /// Where it is shown.
    let status: StatusLines
    var logLevel: Logger.Level
    var metadata: Logger.Metadata = [:]

    /// Shows warnings and errors, or with `isVerbose` everything down to information.
    init(status: StatusLines, isVerbose: Bool) {
        self.status = status
        logLevel = isVerbose ? .info : .warning
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var all = metadata.merging(event.metadata ?? [:]) { $1 }
        // There is one worker in this process; its name helps those who read everything.
        if logLevel > .info { all["worker"] = nil }
        let details = all.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: " ")
        var line = event.level >= .warning ? StyledLine("warning:", .yellow) : StyledLine("note:", .dim)
        line.append(" \(event.message)\(details.isEmpty ? "" : " (\(details))")")
        status.print(line)
    }
}
