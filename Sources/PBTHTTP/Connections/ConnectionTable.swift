// SPDX-License-Identifier: Apache-2.0

import HummingbirdCore
import NIOCore
import Synchronization

/// The connections of a server, of which there are only so many.
///
/// When one more comes, the one that has waited longest for a request is closed for it: its client connects again when
/// it needs to. Where all are at work, the new one is refused. Accepting stops altogether while more connections than
/// that are still being closed, so the number of descriptors is bounded whatever comes.
package final class ConnectionTable: AvailableConnectionsDelegate, Sendable {
    /// Connections that are being refused or closed, on top of the limit.
    private static let margin = 16

    private struct Place {
        let channel: any Channel
        /// Since which step it has waited for a request; none while it is at work.
        var idle: Int?
    }

    private struct State {
        var places: [ObjectIdentifier: Place] = [:]
        /// Those that began to wait, in order; some are at work again, or gone.
        var queue: [(id: ObjectIdentifier, step: Int)] = []
        var head = 0
        var steps = 0
        /// Accepted and not closed.
        var open = 0
        var maximum = Int.max
        var evicted = 0
        var refused = 0
    }

    private let state = Mutex(State())

    /// The numbers of open connections, of those closed to make room, and of those refused.
    var counts: (open: Int, evicted: Int, refused: Int) {
        state.withLock { ($0.places.count, $0.evicted, $0.refused) }
    }

    /// Sets how many connections there may be, before the first comes.
    ///
    /// - Parameter maximum: How many; above 0.
    func limit(to maximum: Int) {
        state.withLock { $0.maximum = maximum }
    }

    // The server's channel calls these three.

    func connectionOpened() { state.withLock { $0.open += 1 } }

    func connectionClosed() { state.withLock { $0.open -= 1 } }

    func isAcceptingNewConnections() -> Bool {
        state.withLock { $0.maximum == .max || $0.open < $0.maximum + Self.margin }
    }

    /// Takes in a connection, for which the one that was idle longest may be closed.
    ///
    /// - Returns: False when it must be refused.
    func admit(_ channel: any Channel) -> Bool {
        let id = ObjectIdentifier(channel)
        let (isAdmitted, victim) = state.withLock { state -> (Bool, (any Channel)?) in
            var victim: (any Channel)?
            if state.places.count >= state.maximum {
                guard let oldest = Self.oldest(&state) else {
                    state.refused += 1
                    return (false, nil)
                }
                victim = state.places.removeValue(forKey: oldest)?.channel
                state.evicted += 1
            }
            state.places[id] = Place(channel: channel)
            Self.enqueue(id, &state)
            return (true, victim)
        }
        victim?.close(promise: nil)
        return isAdmitted
    }

    /// A connection was closed.
    func leave(_ channel: any Channel) {
        state.withLock { _ = $0.places.removeValue(forKey: ObjectIdentifier(channel)) }
    }

    /// A connection waits for a request.
    func wait(_ channel: any Channel) {
        state.withLock { Self.enqueue(ObjectIdentifier(channel), &$0) }
    }

    /// A connection is at work.
    func work(_ channel: any Channel) {
        state.withLock { $0.places[ObjectIdentifier(channel)]?.idle = nil }
    }

    private static func enqueue(_ id: ObjectIdentifier, _ state: inout State) {
        guard state.places[id] != nil else { return }
        state.steps += 1
        state.places[id]?.idle = state.steps
        state.queue.append((id, state.steps))
        guard state.queue.count - state.head > 2 * state.places.count + 64 || state.head > 1024 else { return }
        let places = state.places
        state.queue = state.queue[state.head...].filter { places[$0.id]?.idle == $0.step }
        state.head = 0
    }

    private static func oldest(_ state: inout State) -> ObjectIdentifier? {
        while state.head < state.queue.count {
            let next = state.queue[state.head]
            state.head += 1
            if state.places[next.id]?.idle == next.step { return next.id }
        }
        return nil
    }
}
