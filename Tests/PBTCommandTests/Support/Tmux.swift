// SPDX-License-Identifier: Apache-2.0

import Foundation
import Subprocess
import SystemPackage

/// The command on a terminal that somebody could look at: a pane of a `tmux` server of its own.
final class Tmux: Sendable {
    /// Whether there is a `tmux` to look with.
    static let isInstalled = ["/usr/bin/tmux", "/usr/local/bin/tmux", "/opt/homebrew/bin/tmux", "/bin/tmux"]
        .contains { FileManager.default.isExecutableFile(atPath: $0) }

    private let socket: String
    private let place: Workplace

    /// Something did not appear on the screen.
    struct Missing: Error, CustomStringConvertible {
        let what: String
        let screen: String

        var description: String { "waited for \(what); the screen is:\n\(screen)" }
    }

    /// Starts the command; when it has ended, `code N` stands on the screen.
    ///
    /// When it is stopped as by Ctrl-Z, `stopped` stands there; Enter lets it go on, and `bg` in the background. Its process
    /// is written to the file `pid`, the terminal's settings before and after to `before` and `after`.
    ///
    /// - Parameters:
    ///   - arguments: The command's.
    ///   - place: Where it runs.
    ///   - size: Columns and rows.
    ///   - environment: Beside `PATH`, `TERM` and a UTF-8 locale.
    ///   - body: What is done meanwhile. The server is ended after it.
    /// - Returns: What the body returns.
    /// - Throws: What the body throws.
    static func with<Result>(
        _ arguments: [String], in place: Workplace, size: (columns: Int, rows: Int),
        environment: [String: String] = [:], _ body: (Tmux) async throws -> Result
    ) async throws -> Result {
        let terminal = Tmux(place)
        let quoted = ([Command.executable.string] + arguments)
            .map { "'\($0.replacingOccurrences(of: "'", with: "'\\''"))'" }.joined(separator: " ")
        // Nothing of ours, such as the CI of a machine that tests, and without the interactive debugger that a crash may
        // start.
        let variables = [
            "HOME": place.directory.string, "LC_ALL": "C.UTF-8", "SWIFT_BACKTRACE": "enable=no",
        ].merging(environment) { $1 }.map { "\($0)='\($1)'" }.sorted().joined(separator: " ")
        try place.write(
            """
            set -m
            stty -g > before
            env -i PATH="$PATH" TERM="$TERM" \(variables) sh -c 'echo $$ > pid; exec "$0" "$@"' \(quoted)
            code=$?
            while [ "$code" = 148 ]; do
                echo "stopped"
                read -r how
                case $how in
                    bg) bg > /dev/null; wait %1; code=$? ;;
                    *) fg > /dev/null; code=$? ;;
                esac
            done
            stty -g > after
            echo "code $code"
            exec cat > /dev/null
            """, to: "pane.sh")
        return try await terminal.session("sh pane.sh", size, body)
    }

    /// Starts an interactive shell, without its user's settings, whose search path begins with the command's directory.
    ///
    /// - Parameters:
    ///   - shell: How it is called.
    ///   - place: Where it runs.
    ///   - body: What is done meanwhile. The server is ended after it.
    /// - Returns: What the body returns.
    /// - Throws: What the body throws.
    static func with<Result>(
        shell: String, in place: Workplace, _ body: (Tmux) async throws -> Result
    ) async throws -> Result {
        let path = "\(Command.executable.removingLastComponent()):/usr/local/bin:/usr/bin:/bin"
        return try await Tmux(place).session(
            "env -i TERM=screen LC_ALL=C.UTF-8 HOME='\(place.directory)' PATH='\(path)' \(shell)", (100, 24), body)
    }

    private func session<Result>(
        _ command: String, _ size: (columns: Int, rows: Int), _ body: (Tmux) async throws -> Result
    ) async throws -> Result {
        _ = try await tmux(
            "-u", "-f", "/dev/null", "new-session", "-d", "-x", "\(size.columns)", "-y", "\(size.rows)", "-c",
            place.directory.string, command)
        let result: Swift.Result<Result, any Error>
        do {
            result = .success(try await body(self))
        } catch {
            result = .failure(error)
        }
        _ = try await tmux("kill-server")
        return try result.get()
    }

    private init(_ place: Workplace) {
        self.place = place
        socket = place.path("tmux")
    }

    private func tmux(_ arguments: String...) async throws -> String {
        let result = try await Subprocess.run(
            .name("tmux"), arguments: Arguments(["-S", socket] + arguments), output: .string(limit: 1 << 20),
            error: .string(limit: 1 << 16))
        guard result.terminationStatus.isSuccess else {
            throw Missing(what: "tmux \(arguments)", screen: result.standardError)
        }
        return result.standardOutput
    }

    /// The rows of the screen as they are seen, those at the end that are empty left out.
    func screen() async throws -> [String] {
        var rows = try await tmux("capture-pane", "-p").split(separator: "\n", omittingEmptySubsequences: false)
        while rows.last == "" { rows.removeLast() }
        return rows.map(String.init)
    }

    /// How many rows of what was written go on in the next one, since they were wider than the terminal.
    func wrappedRows() async throws -> Int {
        // Both looks in one command, so that nothing is drawn between them.
        let between = "(between two looks)"
        let looks = try await tmux(
            "capture-pane", "-p", "-S", "-", ";", "display-message", "-p", between, ";",
            "capture-pane", "-p", "-J", "-S", "-"
        ).split(separator: "\n", omittingEmptySubsequences: false)
        guard let middle = looks.firstIndex(of: Substring(between)) else {
            throw Missing(what: between, screen: looks.joined(separator: "\n"))
        }
        return looks[..<middle].count - looks[middle...].dropFirst().dropLast().count
    }

    /// What the terminal's state is, in `tmux`'s words: `cursor_flag`, `alternate_on`, `wrap_flag`.
    func flag(_ name: String) async throws -> Bool {
        try await tmux("display-message", "-p", "#{\(name)}") == "1\n"
    }

    /// Presses keys, by `tmux`'s names.
    func press(_ keys: String...) async throws {
        for key in keys { _ = try await tmux("send-keys", key) }
    }

    /// Gives the terminal another size.
    func resize(to columns: Int, _ rows: Int) async throws {
        _ = try await tmux("resize-window", "-x", "\(columns)", "-y", "\(rows)")
    }

    /// The command's process.
    func process() throws -> pid_t {
        pid_t(try place.read("pid").trimmingCharacters(in: .whitespacesAndNewlines)) ?? 0
    }

    /// Looks until a condition holds, and returns the screen then.
    @discardableResult
    func wait(for what: String, until holds: ([String]) async throws -> Bool) async throws -> [String] {
        let deadline = ContinuousClock.now + .seconds(120)
        while ContinuousClock.now < deadline {
            let rows = try await screen()
            if try await holds(rows) { return rows }
        }
        throw Missing(what: what, screen: try await screen().joined(separator: "\n"))
    }

    /// Looks until a text is on the screen, and returns the screen then.
    @discardableResult
    func wait(for text: String) async throws -> [String] {
        try await wait(for: "\"\(text)\"") { rows in rows.contains { $0.contains(text) } }
    }

    /// Looks until a flag is as it should be.
    func wait(for flag: String, _ isSet: Bool) async throws {
        try await wait(for: "\(flag)=\(isSet)") { _ in try await self.flag(flag) == isSet }
    }
}
