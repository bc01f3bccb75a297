// SPDX-License-Identifier: Apache-2.0

/// Timeouts for the other end of a connection.
package struct ConnectionLimits: Sendable, Hashable {
    /// For the head of a request: from connecting, or from its first byte on a connection that was used before.
    package var header = Duration.seconds(20)
    /// For a body, beyond the time that its bytes have at ``bodyRate``; for a file of a checkpoint, between any two reads.
    ///
    /// Only time in which the server is ready to read counts.
    package var body = Duration.seconds(20)
    /// The lowest rate of a body, except that of a file, in bytes a second.
    package var bodyRate = 500
    /// For the next bytes of a file of a checkpoint: networks fail for a while.
    package var upload = Duration.seconds(60)
    /// For the next request.
    package var idle = Duration.seconds(180)
    /// For a client to read on.
    package var write = Duration.seconds(60)
    /// For the rest of a request that was answered before it had all come, or for a client to hang up.
    package var linger = Duration.seconds(10)

    /// The usual limits.
    package init() {}

    /// Shortens what a shutdown would have to wait for: 5 seconds at most for bytes that do not come, or are not read.
    mutating func hurry() {
        for path in [\Self.header, \.body, \.upload, \.write, \.linger] {
            self[keyPath: path] = min(self[keyPath: path], .seconds(5))
        }
    }

    /// The period of checks, which is the precision of the limits.
    var tick: Duration {
        let shortest = [header, body, upload, idle, write, linger].min() ?? header
        return min(max(shortest / 8, .milliseconds(5)), .seconds(2))
    }
}
