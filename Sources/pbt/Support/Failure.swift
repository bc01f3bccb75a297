// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTReport

/// The reason why a command ends without a result: an exit code, and a message for a person.
struct Failure: Error {
    /// The exit code.
    var status: ExitStatus
    /// The problem, the object it concerns, and the next step; nil when all has been said already.
    var message: String?

    /// Creates a failure with an exit code and a message.
    init(_ status: ExitStatus, _ message: String?) {
        self.status = status
        self.message = message
    }

    /// The number of problems of one file that are printed.
    private static let mostProblems = 20

    /// Lists the problems of a file, each in the form that editors understand: `FILE:LINE: path: problem`.
    init(_ status: ExitStatus, file: String, _ error: DocumentError) {
        let problems = [error] + error.more
        var lines = problems.prefix(Self.mostProblems).map { Self.text(of: $0, in: file) }
        if problems.count > lines.count { lines.append("\(file): \(problems.count - lines.count) more problems") }
        // Each is a line of its own that begins like the first.
        self.init(status, lines.joined(separator: "\n" + Terminal.error.styled("error:", .red) + " "))
    }

    /// Returns one problem of a file as `FILE:LINE: path: problem`.
    static func text(of error: DocumentError, in file: String) -> String {
        let place = error.line > 0 ? "\(file):\(error.line)" : file
        let path = error.path.isEmpty ? "" : "\(error.path): "
        return "\(place): \(path)\(error.problem)"
    }
}
