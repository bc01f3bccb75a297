// SPDX-License-Identifier: Apache-2.0

import Logging
import Synchronization

/// Keeps all that is logged, at every level.
final class LogCapture: Sendable {
    private let kept = Mutex<[String]>([])

    /// One line for each thing logged: level, text, details.
    var lines: [String] { kept.withLock(\.self) }

    /// A logger that logs here.
    var logger: Logger {
        Logger(label: "test") { _ in Handler(capture: self) }
    }

    private struct Handler: LogHandler {
        let capture: LogCapture
        var logLevel = Logger.Level.trace
        var metadata: Logger.Metadata = [:]

        init(capture: LogCapture) {
            self.capture = capture
        }

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let details = metadata.merging(event.metadata ?? [:]) { $1 }.map { "\($0)=\($1)" }.sorted()
            let line = "\(event.level) \(event.message) \(details.joined(separator: " "))"
            capture.kept.withLock { $0.append(line) }
        }
    }
}
