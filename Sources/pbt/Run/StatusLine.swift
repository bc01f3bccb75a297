// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// The last line of standard error, redrawn in place, with other lines appearing above it.
///
/// Where standard error takes no escape sequences there is no such line, and everything else is plain.
final class StatusLine: Sendable {
    private let current = Mutex("")
    /// Whether there is a line to redraw.
    let isLive: Bool

    /// A line that is empty for now.
    init(isLive: Bool) {
        self.isLive = isLive
    }

    /// Writes a line that stays, above the status line.
    func print(_ text: String) {
        current.withLock { status in
            Output.raw(status.isEmpty ? "\(text)\n" : "\r\u{1b}[K\(text)\n\(status)")
        }
    }

    /// Draws the status line anew; nothing happens where there is none, or when it has not changed.
    func set(_ text: String) {
        guard isLive else { return }
        current.withLock { status in
            guard status != text else { return }
            status = text
            Output.raw("\r\u{1b}[K\(text)")
        }
    }

    /// Erases the status line; the cursor is where a new line begins.
    func clear() {
        set("")
    }
}
