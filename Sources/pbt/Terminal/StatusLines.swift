// SPDX-License-Identifier: Apache-2.0

import PBTReport
import Synchronization

/// The last lines of standard error, redrawn in place, with other lines appearing above them.
///
/// Where standard error takes no escape sequences there are no such lines, and everything else is plain.
final class StatusLines: Sendable {
    private struct State {
        /// What is drawn, and how many columns each line takes.
        var drawn: [StyledLine] = []
        /// When the terminal was last taken.
        var epoch = 0
    }

    private let state = Mutex(State())
    /// Whether there are lines to redraw.
    let isLive: Bool

    /// Lines that are empty for now.
    init(isLive: Bool) {
        self.isLive = isLive
    }

    /// Takes the terminal: the cursor is hidden until ``clear()``, and keys arrive one by one.
    func begin() {
        guard isLive else { return }
        ScreenGuard.take(2, .block, readsKeys: Terminal.input.isTerminal)
    }

    /// Writes a line that stays, above the lines that are redrawn; it is broken where the terminal ends.
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

    /// Writes a line that stays.
    func print(_ text: String) {
        print(StyledLine(text))
    }

    /// Draws the lines anew; nothing happens where there are none, when they have not changed, or in the background.
    func set(_ lines: [StyledLine]) {
        guard isLive else { return }
        SignalStack.provide()
        ScreenGuard.retake()
        state.withLock { state in
            let epoch = ScreenGuard.epoch.load(ordering: .relaxed)
            guard ScreenGuard.isForeground, state.drawn != lines || state.epoch != epoch else { return }
            let isAnew = state.epoch != epoch
            state.epoch = epoch
            let back = isAnew ? "\r\u{1b}[J" : Self.back(over: state.drawn, Terminal.error.width ?? 80)
            state.drawn = lines
            Output.raw(back + Self.text(lines))
        }
    }

    /// Erases the lines, and gives the terminal back; the cursor is where a new line begins.
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

    /// Moves the cursor to where the lines begin, which were drawn on a terminal that may have been wider.
    private static func back(over lines: [StyledLine], _ width: Int) -> String {
        let rows = lines.reduce(0) { $0 + max(1, ($1.columns + width - 1) / max(1, width)) }
        return rows > 1 ? "\r\u{1b}[\(rows - 1)A" : "\r"
    }

    private static func text(_ lines: [StyledLine]) -> String {
        lines.map { $0.text(Terminal.error.styled) + "\u{1b}[K" }.joined(separator: "\n") + "\u{1b}[J"
    }
}
