// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTCheckpoints
import PBTReport
import PBTWorker
import SystemPackage

/// The reason why an experiment has no result or failed, with the end of the log that says most about it.
struct FailureText {
    private let looked: Looked

    /// The text for an experiment.
    init(_ looked: Looked) {
        self.looked = looked
    }

    /// Writes it to standard error.
    func write() {
        let name = looked.experiment.name
        let how = looked.record.state == .failed ? "failed" : "ended without a result"
        let reason = looked.record.reason.map { ": \(PlainText.line($0))" } ?? ""
        var lines = ["\(Terminal.error.styled("error:", .red)) \(PlainText.line(name)) \(how)\(reason)"]
        if let log = try? lastLog(), let tail = try? LogTail.lines(of: log, count: 10), !tail.isEmpty {
            lines.append("the last lines of \(log):")
            lines += tail.map { "  \(PlainText.line($0))" }
        }
        lines.append("see why with: \(Hint.command("show", name, in: looked.opened))")
        Output.note(lines.joined(separator: "\n"))
    }

    /// The log of the attempt that failed last; none when no attempt failed, or the logs are on another machine.
    private func lastLog() throws -> FilePath? {
        guard let data = looked.opened.data,
            let last = looked.intervals.filter({ $0.reason != nil && $0.attempts > 0 && $0.state != .done }).max(by: {
                ($0.started?.milliseconds ?? 0, $0.id) < ($1.started?.milliseconds ?? 0, $1.id)
            })
        else { return nil }
        let name = looked.experiment.name
        let log = data.log(of: last.id, attempt: last.attempts, of: name)
        // A program that stays alive may have failed without a word about the interval.
        if looked.experiment.trainer?.isPersistent == true, try LogTail.lines(of: log, count: 1)?.isEmpty ?? true {
            return try data.newestProgramLog(of: name)
        }
        return log
    }
}
