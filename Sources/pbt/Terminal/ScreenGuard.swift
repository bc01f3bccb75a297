// SPDX-License-Identifier: Apache-2.0

import LibC
import PBT
import Synchronization

/// Restores the terminal whenever the process ends or stops: by `exit`, a crash, or Ctrl-Z.
///
/// The exceptions are `kill -9`, and a stack overflow in a thread that never draws; then `reset` helps.
enum ScreenGuard {
    /// The escape sequences that take and restore the terminal.
    struct Sequences: Sendable {
        /// Takes the terminal.
        var take: String
        /// Restores the terminal.
        var giveBack: String

        /// Hides the cursor.
        static let block = Sequences(take: "\u{1b}[?25l", giveBack: "\u{1b}[?25h")
        /// Shows the alternate screen, without a cursor and without wrapping.
        static let full = Sequences(
            take: "\u{1b}[?1049h\u{1b}[?25l\u{1b}[?7l\u{1b}[H\u{1b}[2J", giveBack: "\u{1b}[?7h\u{1b}[?25h\u{1b}[?1049l")
    }

    /// Takes the terminal; one that was taken before is restored first.
    ///
    /// - Parameters:
    ///   - descriptor: The terminal that is drawn on.
    ///   - sequences: The escape sequences.
    ///   - readsKeys: Delivers keys one by one without echo. Ctrl-C and Ctrl-Z are still signals.
    static func take(_ descriptor: Int32, _ sequences: Sequences, readsKeys: Bool) {
        restore()
        SignalStack.provide()
        install()
        memory.pointee.set(descriptor, sequences)
        memory.pointee.hasKeys = false
        if readsKeys, tcgetattr(0, &memory.pointee.before) == 0 {
            memory.pointee.keys = memory.pointee.before
            memory.pointee.keys.c_lflag &= ~tcflag_t(ICANON | ECHO)
            memory.pointee.hasKeys = true
        }
        retake()
    }

    /// Takes the terminal again after it was restored temporarily.
    static func retake() {
        guard isForeground, !isTaken.exchange(true, ordering: .acquiringAndReleasing) else { return }
        if memory.pointee.hasKeys {
            tcsetattr(0, TCSANOW, &memory.pointee.keys)
            // Just stopped and sent to the background: the shell has the keyboard.
            if !isForeground { tcsetattr(0, TCSANOW, &memory.pointee.before) }
        }
        memory.pointee.write(memory.pointee.take)
        epoch.add(1, ordering: .relaxed)
    }

    /// Restores the terminal, if it was taken.
    ///
    /// Async-signal-safe.
    static func restore() {
        guard isTaken.exchange(false, ordering: .acquiringAndReleasing) else { return }
        memory.pointee.write(memory.pointee.giveBack)
        if memory.pointee.hasKeys { tcsetattr(0, TCSANOW, &memory.pointee.before) }
    }

    /// Restores the terminal in the middle of drawing, and starts a new line.
    private static func abandon() {
        guard isTaken.load(ordering: .acquiring) else { return }
        restore()
        memory.pointee.write(memory.pointee.newLine)
    }

    /// True if this process may read and draw: it is in the foreground.
    static var isForeground: Bool {
        let group = tcgetpgrp(memory.pointee.descriptor)
        return group < 0 || group == getpgrp()
    }

    /// A counter that grows whenever the terminal is taken again and everything must be redrawn.
    static let epoch = Atomic(0)

    private static let isTaken = Atomic(false)
    private static let isInstalled = Latch()
    /// Allocated and filled before a handler is installed, since handlers must not allocate.
    nonisolated(unsafe) private static let memory: UnsafeMutablePointer<Memory> = {
        let memory = UnsafeMutablePointer<Memory>.allocate(capacity: 1)
        memory.initialize(to: Memory())
        return memory
    }()

    /// The signals of crashes, and SIGQUIT.
    private static let fatal = [SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGABRT, SIGSYS, SIGQUIT]

    private static func install() {
        guard !isInstalled.set() else { return }
        _ = memory
        _ = epoch.load(ordering: .relaxed)
        _ = isTaken.load(ordering: .relaxed)
        atexit { ScreenGuard.restore() }
        for number in fatal {
            handle(number, saving: true) { number in
                ScreenGuard.abandon()
                // The original disposition.
                sigaction(number, &ScreenGuard.memory.pointee.actions[Int(number)], nil)
                raise(number)
            }
        }
        handle(SIGTSTP, saving: false) { _ in ScreenGuard.pause() }
        // The foreground check may be outdated by the time of a read: then the read fails instead of stopping a run in
        // the background.
        signal(SIGTTIN, SIG_IGN)
        signal(SIGTTOU, SIG_IGN)
    }

    private static func handle(_ number: Int32, saving: Bool, _ handler: @escaping @convention(c) (Int32) -> Void) {
        var action = sigaction()
        #if canImport(Darwin)
            action.__sigaction_u.__sa_handler = handler
        #else
            action.__sigaction_handler.sa_handler = handler
        #endif
        action.sa_flags = SA_NODEFER | SA_ONSTACK | SA_RESTART
        if saving {
            sigaction(number, &action, &memory.pointee.actions[Int(number)])
        } else {
            sigaction(number, &action, nil)
        }
    }

    /// Stops the process as Ctrl-Z does, with the terminal restored, and takes it again when the process continues.
    private static func pause() {
        let saved = errno
        abandon()
        signal(SIGTSTP, SIG_DFL)
        raise(SIGTSTP)
        handle(SIGTSTP, saving: false) { _ in ScreenGuard.pause() }
        retake()
        errno = saved
    }

    /// The memory of the signal handlers.
    private struct Memory {
        var descriptor: Int32 = 2
        /// The sequences, as bytes at stable addresses.
        var take = UnsafeMutableBufferPointer<UInt8>(start: nil, count: 0)
        var giveBack = UnsafeMutableBufferPointer<UInt8>(start: nil, count: 0)
        let newLine = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: 2)
        var hasKeys = false
        var before = termios()
        var keys = termios()
        let actions = UnsafeMutablePointer<sigaction>.allocate(capacity: 65)

        init() {
            actions.initialize(repeating: sigaction(), count: 65)
            _ = newLine.initialize(from: [0x0d, 0x0a])
        }

        mutating func set(_ descriptor: Int32, _ sequences: Sequences) {
            self.descriptor = descriptor
            take.deallocate()
            giveBack.deallocate()
            take = .allocate(capacity: sequences.take.utf8.count)
            _ = take.initialize(from: sequences.take.utf8)
            giveBack = .allocate(capacity: sequences.giveBack.utf8.count)
            _ = giveBack.initialize(from: sequences.giveBack.utf8)
        }

        func write(_ bytes: UnsafeMutableBufferPointer<UInt8>) {
            _ = LibC.write(descriptor, bytes.baseAddress, bytes.count)
        }
    }
}
