// SPDX-License-Identifier: Apache-2.0

import Logging
import PBTReport

/// Prints the log of the libraries above the redrawn lines.
struct StatusLogHandler: LogHandler {
    /// The status lines.
    let status: StatusLines
    var logLevel: Logger.Level
    var metadata: Logger.Metadata = [:]

    /// Creates a handler for warnings and errors, or with `isVerbose` for everything from level info up.
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
        // There is one worker in this process; its name is of use in verbose output only.
        if logLevel > .info { all["worker"] = nil }
        let details = all.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: " ")
        var line = event.level >= .warning ? StyledLine("warning:", .yellow) : StyledLine("note:", .dim)
        line.append(" \(event.message)\(details.isEmpty ? "" : " (\(details))")")
        status.print(line)
    }
}
