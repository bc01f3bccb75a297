// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Logging
import PBT

/// The format of a log line.
enum LogFormat: String, ExpressibleByArgument, CaseIterable {
    /// Time, level, message and details, for people.
    case text
    /// One JSON object a line, for programs.
    case json
}

/// Writes the server's log to standard error.
struct ServerLogHandler: LogHandler {
    private let format: LogFormat
    var logLevel: Logger.Level
    var metadata: Logger.Metadata = [:]

    /// Creates a handler for a format and a minimum level.
    init(format: LogFormat, level: Logger.Level) {
        self.format = format
        logLevel = level
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let details = metadata.merging(event.metadata ?? [:]) { $1 }
        let now = StoreClock.system.now()
        switch format {
        case .json:
            var object: [String: Value] = [
                "time": .integer(Int(now.milliseconds)), "level": .string(event.level.rawValue),
                "message": .string("\(event.message)"),
            ]
            for (name, value) in details where object[name] == nil { object[name] = .string("\(value)") }
            Output.note(Value.object(object).json)
        case .text:
            let text = details.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: " ")
            Output.note("\(now) \(event.level.rawValue) \(event.message)\(text.isEmpty ? "" : " (\(text))")")
        }
    }
}
