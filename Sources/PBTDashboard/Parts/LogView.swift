// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTReport
import PBTServer
import PBTWorker
import SystemPackage

/// The end of what a trainer printed.
struct LogView {
    let experiment: ExperimentContext
    let interval: Interval

    /// How many lines are shown.
    static let lines = 20

    /// The last lines; nothing when the log is not on this machine.
    var html: HTML {
        guard interval.attempts > 0, let data = experiment.request.server.data else { return .nothing }
        let path = data.log(of: interval.id, attempt: interval.attempts, of: experiment.name)
        let lines: [String]?
        do {
            lines = try LogTail.lines(of: path, count: Self.lines)
        } catch {
            return tag("p", ["class": "note"]) { "The log cannot be read: \(error)" }
        }
        guard let lines else { return .nothing }
        return tag("figure", ["class": "log"]) {
            tag("figcaption") {
                lines.isEmpty ? "Nothing was printed: " : "The last lines of "
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
