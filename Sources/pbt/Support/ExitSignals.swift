// SPDX-License-Identifier: Apache-2.0

import Dispatch
import LibC
import PBT

/// Runs ``ExitTasks`` before a signal ends the process, where the command itself does not handle the signal.
///
/// A command that does (`run`, `worker`, `serve`, `watch`) replaces these handlers by its own. A second signal
/// ends the process immediately.
enum ExitSignals {
    private static let isInstalled = Latch()
    /// The write end of the pipe that a handler reports to; writing is all that a handler may do.
    nonisolated(unsafe) private static var pipe: Int32 = -1
    nonisolated(unsafe) private static var count = 0
    nonisolated(unsafe) private static var source: (any DispatchSourceRead)?

    /// Installs the handlers once; a signal that is ignored (`nohup`) or handled already keeps its disposition.
    static func install() {
        guard !isInstalled.set() else { return }
        var ends: [Int32] = [-1, -1]
        guard Self.makePipe(&ends) else { return }
        // Both are used by a handler, which must not be the one that initializes them.
        (pipe, count) = (ends[1], 0)
        let reader = DispatchSource.makeReadSource(fileDescriptor: ends[0], queue: .global())
        reader.setEventHandler {
            var number: UInt8 = 0
            guard read(ends[0], &number, 1) == 1 else { return }
            ScreenGuard.restore()
            ExitTasks.run()
            end(by: Int32(number))
        }
        reader.resume()
        source = reader
        for number in [SIGINT, SIGTERM, SIGHUP] where Signals.has(number, SIG_DFL) == true {
            signal(number) { number in
                ExitSignals.count += 1
                guard ExitSignals.count == 1 else { return ExitSignals.end(by: number) }
                var byte = UInt8(truncatingIfNeeded: number)
                let saved = errno
                _ = write(ExitSignals.pipe, &byte, 1)
                errno = saved
            }
        }
    }

    private static func makePipe(_ ends: inout [Int32]) -> Bool {
        guard LibC.pipe(&ends) == 0 else { return false }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        return true
    }

    /// Ends the process as the signal would have.
    private static func end(by number: Int32) {
        signal(number, SIG_DFL)
        var set = sigset_t()
        sigemptyset(&set)
        sigaddset(&set, number)
        pthread_sigmask(SIG_UNBLOCK, &set, nil)
        kill(getpid(), number)
    }
}
