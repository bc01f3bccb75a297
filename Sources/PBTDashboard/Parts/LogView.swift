// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTReport
import PBTServer
import PBTCheckpoints
import SystemPackage

/// The end of a trainer's output.
struct LogView {
    let experiment: ExperimentContext
    let interval: Interval

    /// The maximum number of lines shown.
    static let lines = 20

    /// The last lines; nothing when the log is not on this machine, or before the first attempt.
    var html: HTML {
        guard interval.attempts > 0, let data = experiment.request.server.data else { return .nothing }
        let path = data.log(of: interval.id, attempt: interval.attempts, of: experiment.name)
        let lines: [String]?
        do {
            lines = try LogTail.lines(of: path, count: Self.lines)
        } catch {
            return tag("p", ["class": "note"]) { "Cannot read the log: \(error)" }
        }
        guard let lines else { return .nothing }
        return tag("figure", ["class": "log"]) {
            tag("figcaption") {
                lines.isEmpty ? "The log is empty: " : "The last lines of "
                tag("code") { path.string }
            }
            if !lines.isEmpty {
                tag("pre", ["class": "scroll", "tabindex": "0", "role": "region", "aria-label": "end of the log"]) {
                    lines.joined(separator: "\n")
                }
            }
        }
    }
}
