// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTCheckpoints
import PBTReport
import PBTWorker
import SystemPackage

/// The reason why an experiment failed or has no result, with the end of the most relevant log.
struct FailureText {
    private let loaded: LoadedExperiment

    /// Creates the text for an experiment.
    init(_ loaded: LoadedExperiment) {
        self.loaded = loaded
    }

    /// Prints it to standard error.
    func write() {
        let name = loaded.experiment.name
        let how = loaded.record.state == .failed ? "failed" : "ended without a result"
        let reason = loaded.record.reason.map { ": \(PlainText.line($0))" } ?? ""
        var lines = ["\(Terminal.error.styled("error:", .red)) \(PlainText.line(name)) \(how)\(reason)"]
        if let log = try? lastLog(), let tail = try? LogTail.lines(of: log, count: 10), !tail.isEmpty {
            lines.append("the last lines of \(log):")
            lines += tail.map { "  \(PlainText.line($0))" }
        }
        let show = Hint.command("show", name, in: loaded.opened)
        lines.append(
            loaded.record.state == .failed
                ? "when the cause is fixed, rerun the same command; for details: \(show)" : "see why with: \(show)")
        Output.note(lines.joined(separator: "\n"))
    }

    /// Returns the log of the latest failed attempt; nil when no attempt failed, or the logs are on another machine.
    private func lastLog() throws -> FilePath? {
        guard let data = loaded.opened.data,
            let last = loaded.intervals.filter({ $0.reason != nil && $0.attempts > 0 && $0.state != .done }).max(by: {
                ($0.started?.milliseconds ?? 0, $0.id) < ($1.started?.milliseconds ?? 0, $1.id)
            })
        else { return nil }
        let name = loaded.experiment.name
        let log = data.log(of: last.id, attempt: last.attempts, of: name)
        // A persistent trainer may have failed without logging anything about the interval.
        if loaded.experiment.trainer?.isPersistent == true, try LogTail.lines(of: log, count: 1)?.isEmpty ?? true {
            return try data.newestProgramLog(of: name)
        }
        return log
    }
}
