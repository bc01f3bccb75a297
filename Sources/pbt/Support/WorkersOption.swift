// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// The number of programs that a command runs at a time.
struct WorkersOption: ParsableArguments {
    @Option(
        name: .long,
        help:
            "Workers (programs at a time) in this process; default: workers in the definition, the largest of several.")
    var workers: Int?

    func validate() throws {
        if let workers, !(1...4096).contains(workers) {
            throw ValidationError("--workers must be between 1 and 4096, not \(workers)")
        }
    }
}
