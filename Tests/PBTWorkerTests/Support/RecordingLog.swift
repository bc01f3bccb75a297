// SPDX-License-Identifier: Apache-2.0

import Logging
import Synchronization

/// A log whose warnings are noted.
final class RecordingLog: Sendable {
    private let lines = Mutex<[String]>([])

    /// The warnings and errors so far.
    var warnings: [String] { lines.withLock { $0 } }

    /// A logger that writes to it.
    var logger: Logger { Logger(label: "test") { _ in Handler(log: self) } }

    private struct Handler: LogHandler {
        let log: RecordingLog
        var logLevel = Logger.Level.info
        var metadata: Logger.Metadata = [:]

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            guard event.level >= .warning else { return }
            log.lines.withLock { $0.append("\(event.message)") }
        }
    }
}
