// SPDX-License-Identifier: Apache-2.0

import LibC
import PBTReport
import Synchronization

/// The capabilities of one of the standard streams.
struct Terminal: Sendable {
    /// Standard input.
    static let input = Terminal(descriptor: 0)
    /// Standard output.
    static let output = Terminal(descriptor: 1)
    /// Standard error.
    static let error = Terminal(descriptor: 2)

    /// True for a terminal, false for a file or a pipe.
    let isTerminal: Bool
    /// True if it supports escape sequences that move the cursor: a terminal that is not `TERM=dumb`.
    let takesEscapes: Bool
    /// True if colors may be written: not with `NO_COLOR`, to a file, or to a dumb terminal, unless they are forced.
    let hasColor: Bool
    /// True if non-ASCII characters may be written, according to the locale.
    let isUTF8: Bool
    private let descriptor: Int32

    /// The value of `--color`.
    enum ColorMode: String, CaseIterable, Sendable {
        case auto, always, never
    }

    /// The terminal options of the command line.
    private struct Choice: Sendable {
        var color = ColorMode.auto
        var isASCII = false
    }

    private static let choice = Mutex(Choice())

    /// Applies the options of the command line, before anything is written.
    static func choose(_ color: ColorMode, isASCII: Bool) {
        choice.withLock { $0 = Choice(color: color, isASCII: isASCII) }
    }

    private init(descriptor: Int32) {
        let choice = Self.choice.withLock { $0 }
        self.descriptor = descriptor
        isTerminal = isatty(descriptor) == 1
        takesEscapes = isTerminal && environment("TERM").map { $0 != "dumb" } ?? false
        hasColor =
            switch choice.color {
            case .auto: takesEscapes && environment("NO_COLOR") == nil
            case .always: true
            case .never: false
            }
        isUTF8 = Self.localeIsUTF8 && !choice.isASCII
    }

    /// The width in columns, of the terminal or from `COLUMNS`; nil for a file or pipe, where nothing is truncated.
    var width: Int? {
        guard isTerminal else { return nil }
        var size = winsize()
        if ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 { return Int(size.ws_col) }
        return environment("COLUMNS").flatMap { Int($0) }.map { min(max($0, 20), 1000) } ?? 80
    }

    /// The height in rows, of the terminal or from `LINES`; otherwise 24.
    var height: Int {
        var size = winsize()
        if ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_row > 0 { return Int(size.ws_row) }
        return environment("LINES").flatMap { Int($0) }.map { min(max($0, 2), 1000) } ?? 24
    }

    /// The glyphs that may be shown.
    var glyphs: Glyphs {
        Glyphs(isASCII: !isUTF8)
    }

    private static var localeIsUTF8: Bool {
        guard let locale = environment("LC_ALL") ?? environment("LC_CTYPE") ?? environment("LANG") else {
            #if canImport(Darwin)
                return true
            #else
                return false
            #endif
        }
        let name = locale.lowercased()
        return name.contains("utf-8") || name.contains("utf8")
    }

    /// Returns text in one of the terminal's own colors or weights, or unchanged where there are none.
    func styled(_ text: String, _ style: TextStyle) -> String {
        hasColor ? "\u{1b}[\(style.rawValue)m\(text)\u{1b}[0m" : text
    }

    /// Returns the first string where the locale is UTF-8, else the second, which is ASCII.
    func symbol(_ utf8: String, _ ascii: String) -> String {
        isUTF8 ? utf8 : ascii
    }
}
