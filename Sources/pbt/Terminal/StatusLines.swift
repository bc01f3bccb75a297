// SPDX-License-Identifier: Apache-2.0

import PBTReport
import Synchronization

/// The last lines of standard error, redrawn in place, with other lines appearing above them.
///
/// If standard error does not support escape sequences, there are no such lines, and everything else is plain.
final class StatusLines: Sendable {
    private struct State {
        /// The drawn lines.
        var drawn: [StyledLine] = []
        /// The epoch of ``ScreenGuard`` when they were drawn.
        var epoch = 0
    }

    private let state = Mutex(State())
    /// True if there are redrawn lines.
    let isLive: Bool

    /// Creates empty lines.
    init(isLive: Bool) {
        self.isLive = isLive
    }

    /// Takes the terminal: hides the cursor until ``clear()``, and delivers keys one by one.
    func begin() {
        guard isLive else { return }
        ScreenGuard.take(2, .block, readsKeys: Terminal.input.isTerminal)
    }

    /// Prints a permanent line above the redrawn lines, wrapped at the width of the terminal.
    func print(_ line: StyledLine) {
        let terminal = Terminal.error
        guard isLive, let width = terminal.width else {
            return Output.raw(line.text(terminal.styled) + "\n")
        }
        let text = line.folded(to: max(1, width - 1), indent: 10).map { $0.text(terminal.styled) + "\u{1b}[K\n" }
        state.withLock { state in
            Output.raw(Self.back(over: state.drawn, width) + text.joined() + Self.text(state.drawn))
        }
    }

    /// Prints a permanent line.
    func print(_ text: String) {
        print(StyledLine(text))
    }

    /// Redraws the lines, unless they are unchanged or the process is in the background.
    func set(_ lines: [StyledLine]) {
        guard isLive else { return }
        SignalStack.provide()
        ScreenGuard.retake()
        state.withLock { state in
            let epoch = ScreenGuard.epoch.load(ordering: .relaxed)
            guard ScreenGuard.isForeground, state.drawn != lines || state.epoch != epoch else { return }
            let isRetaken = state.epoch != epoch
            state.epoch = epoch
            let back = isRetaken ? "\r\u{1b}[J" : Self.back(over: state.drawn, Terminal.error.width ?? 80)
            state.drawn = lines
            Output.raw(back + Self.text(lines))
        }
    }

    /// Erases the lines and restores the terminal, with the cursor at the start of a line.
    func clear() {
        guard isLive else { return }
        state.withLock { state in
            if !state.drawn.isEmpty {
                Output.raw(Self.back(over: state.drawn, Terminal.error.width ?? 80) + "\u{1b}[J")
            }
            state.drawn = []
        }
        ScreenGuard.restore()
    }

    /// Returns the sequence that moves the cursor to the start of the lines, which may have wrapped since a resize.
    private static func back(over lines: [StyledLine], _ width: Int) -> String {
        let rows = lines.reduce(0) { $0 + max(1, ($1.columns + width - 1) / max(1, width)) }
        return rows > 1 ? "\r\u{1b}[\(rows - 1)A" : "\r"
    }

    private static func text(_ lines: [StyledLine]) -> String {
        lines.map { $0.text(Terminal.error.styled) + "\u{1b}[K" }.joined(separator: "\n") + "\u{1b}[J"
    }
}
