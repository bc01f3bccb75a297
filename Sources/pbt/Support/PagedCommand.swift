// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// A command whose output goes through a pager where it is longer than the terminal.
protocol PagedCommand: AsyncParsableCommand {
    /// The options for the pager.
    var pager: PagerOptions { get }

    /// Writes the output.
    ///
    /// - Throws: A ``Failure`` or `PBTError`.
    func printOutput() async throws
}

extension PagedCommand {
    func run() async throws {
        try await pager.page { try await printOutput() }
    }
}
