// SPDX-License-Identifier: Apache-2.0

import Logging

/// Shows what the libraries log above the status line, for a person.
struct StatusLogHandler: LogHandler {
    /// Where it is shown.
    let status: StatusLine
    var logLevel: Logger.Level
    var metadata: Logger.Metadata = [:]

    /// Shows warnings and errors, or with `isVerbose` everything down to information.
    init(status: StatusLine, isVerbose: Bool) {
        self.status = status
        logLevel = isVerbose ? .info : .warning
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let all = metadata.merging(event.metadata ?? [:]) { $1 }
        let details = all.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: " ")
        let prefix =
            event.level >= .warning
            ? Terminal.error.styled("warning:", .yellow) : Terminal.error.styled("note:", .dim)
        status.print("\(prefix) \(event.message)\(details.isEmpty ? "" : " (\(details))")")
    }
}
