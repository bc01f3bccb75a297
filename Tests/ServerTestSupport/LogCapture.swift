// SPDX-License-Identifier: Apache-2.0

package import Logging
import Synchronization

/// Keeps all that is logged, at every level.
package final class LogCapture: Sendable {
    private let kept = Mutex<[String]>([])

    package init() {}

    /// One line for each thing logged: level, text, details.
    package var lines: [String] { kept.withLock(\.self) }

    /// A logger that logs here.
    package var logger: Logger {
        Logger(label: "test") { _ in Handler(capture: self) }
    }

    private struct Handler: LogHandler {
        package let capture: LogCapture
        package var logLevel = Logger.Level.trace
        package var metadata: Logger.Metadata = [:]

        package init(capture: LogCapture) {
            self.capture = capture
        }

        package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        package func log(event: LogEvent) {
            let details = metadata.merging(event.metadata ?? [:]) { $1 }.map { "\($0)=\($1)" }.sorted()
            let line = "\(event.level) \(event.message) \(details.joined(separator: " "))"
            capture.kept.withLock { $0.append(line) }
        }
    }
}
