// SPDX-License-Identifier: Apache-2.0

import Logging
import NIOCore
import PBT
import PBTAPI
import ServiceLifecycle
import Synchronization

/// Reads each event from the store once, encodes it once, and hands it to everyone who follows.
///
/// While anyone follows, one task reads what is new, a batch a tick, and keeps the last batches. A follower that keeps
/// up never reads from the store; one that is further behind than these batches reads pages of its own until it has
/// caught up, so a slow one costs one page of memory.
package final class EventFeed: Service {
    /// The next part of the feed for a follower.
    enum Next {
        /// Frames, and the number of the last event that they, and what was passed over, reach to.
        case frames(EncodedFrames, upTo: Int64)
        /// There is nothing of interest up to this event; wait.
        case nothing(upTo: Int64)
        /// The batches in memory do not reach back that far; read from the store.
        case behind
    }

    private struct Waiter {
        let names: Set<String>?
        let after: Int64
        let deadline: ContinuousClock.Instant
        let continuation: CheckedContinuation<Void, Never>
    }

    private struct State {
        var batches: [EventBatch] = []
        var bytes = 0
        /// The batches hold every event after `floor`, up to `newest`; nothing is known before the first is read.
        var floor: Int64 = .max
        var newest: Int64 = .max
        var waiters: [Int: Waiter] = [:]
        var lastFollower = 0
        /// The followers, and whether each is still connected.
        var followers: [Int: Bool] = [:]
        var starter: CheckedContinuation<Void, Never>?
        var isClosed = false

        var isLive: Bool { floor != .max }

        func isOver(_ follower: Int) -> Bool {
            isClosed || followers[follower] != true
        }

        func hasNews(after last: Int64, of names: Set<String>?) -> Bool {
            guard isLive else { return false }
            if last < floor { return true }
            return batches.last.map { $0.last > last } == true
                && batches.contains { $0.last > last && $0.concerns(names, after: last) }
        }
    }

    private let store: any Store
    private let logger: Logger
    private let tick: Duration
    private let state = Mutex(State())

    private let kept: Int
    /// The most events in a batch.
    private static let page = 500

    /// - Parameters:
    ///   - store: Where events are.
    ///   - logger: Where it logs that the store cannot be read.
    ///   - heartbeat: How often followers wake up when nothing happens: deadlines are kept to a part of that.
    ///   - kept: How many bytes of frames are kept.
    init(store: any Store, logger: Logger, heartbeat: Duration, kept: Int = 4 << 20) {
        self.kept = kept
        self.store = store
        self.logger = logger
        tick = min(.milliseconds(200), max(.milliseconds(5), heartbeat / 4))
    }

    // MARK: Following

    /// Adds a follower; must be paired with ``leave(_:)``.
    ///
    /// - Returns: Its number.
    func join() -> Int {
        let (id, starter) = state.withLock { state in
            state.lastFollower += 1
            state.followers[state.lastFollower] = true
            defer { state.starter = nil }
            return (state.lastFollower, state.starter)
        }
        starter?.resume()
        return id
    }

    /// Removes a follower.
    package func leave(_ follower: Int) {
        state.withLock { $0.followers[follower] = nil }
    }

    /// Ends the wait of a follower whose client disconnected.
    package func disconnect(_ follower: Int) {
        let waiter = state.withLock { state in
            if state.followers[follower] != nil { state.followers[follower] = false }
            return state.waiters.removeValue(forKey: follower)
        }
        waiter?.continuation.resume()
    }

    /// Returns true if a follower must end: its client disconnected, or the server shuts down.
    package func isOver(_ follower: Int) -> Bool {
        state.withLock { $0.isOver(follower) }
    }

    /// The event after which everything is kept; none before the first read.
    package var start: Int64? {
        state.withLock { $0.isLive ? $0.floor : nil }
    }

    /// Returns the part of the feed after an event.
    ///
    /// - Parameters:
    ///   - last: The number of the last event known.
    ///   - name: The experiment; none for all.
    /// - Returns: The first batch of it.
    func next(after last: Int64, of name: String?) -> Next {
        state.withLock { state in
            guard state.isLive, last >= state.floor else { return .behind }
            let start = state.batches.partitioningIndex { $0.last > last }
            for batch in state.batches[start...] {
                if let frames = batch.frames(after: last, of: name) { return .frames(frames, upTo: batch.last) }
            }
            return .nothing(upTo: max(last, state.newest))
        }
    }

    /// Returns true if some experiments have events after a given one, and the last event that this is known of.
    ///
    /// - Parameters:
    ///   - last: The number of the last event known.
    ///   - names: The experiments; none for all.
    /// - Returns: Nothing when what is kept does not reach back that far.
    package func news(after last: Int64, of names: Set<String>?) -> (hasNews: Bool, upTo: Int64)? {
        state.withLock { state in
            guard state.isLive, last >= state.floor else { return nil }
            return (state.hasNews(after: last, of: names), max(last, state.newest))
        }
    }

    /// Waits until there is an event after a given one, for no longer than a time.
    ///
    /// Returns early when the server shuts down or the task is cancelled, and may return without reason.
    ///
    /// - Parameters:
    ///   - id: The follower.
    ///   - last: The number of the last event known.
    ///   - names: The experiments that are of interest; none for all.
    ///   - time: How long at most.
    package func wait(_ id: Int, after last: Int64, of names: Set<String>?, for time: Duration) async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = state.withLock { state in
                    // Checked under the lock: a cancellation that came before is seen here, a later one by its handler.
                    if state.isOver(id) || Task.isCancelled || state.hasNews(after: last, of: names) { return true }
                    state.waiters[id] = Waiter(
                        names: names, after: last, deadline: .now.advanced(by: time), continuation: continuation)
                    return false
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiters.removeValue(forKey: id) }?.continuation.resume()
        }
    }

    /// Wakes all followers.
    package func wakeAll() {
        wake { _ in true }
    }

    private func wake(_ isMeant: (Waiter) -> Bool) {
        let woken = state.withLock { state in
            let woken = state.waiters.filter { isMeant($0.value) }
            for id in woken.keys { state.waiters[id] = nil }
            return woken.values
        }
        for waiter in woken { waiter.continuation.resume() }
    }

    // MARK: Reading

    /// Reads while anyone follows, until the server shuts down.
    func run() async throws {
        await cancelWhenGracefulShutdown {
            await withTaskGroup(of: Void.self) { tasks in
                tasks.addTask { await self.keepTime() }
                tasks.addTask { await self.read() }
            }
        }
        close()
    }

    /// Ends all waits, present and future.
    ///
    /// To be called when a shutdown begins: the server waits for its followers, and other services for the server.
    func close() {
        let starter = state.withLock { state in
            state.isClosed = true
            defer { state.starter = nil }
            return state.starter
        }
        starter?.resume()
        wakeAll()
    }

    private func keepTime() async {
        while !Task.isCancelled {
            do { try await Task.sleep(for: tick) } catch { return }
            let now = ContinuousClock.now
            wake { $0.deadline <= now }
        }
    }

    private func read() async {
        while !Task.isCancelled, !state.withLock(\.isClosed) {
            await untilFollowed()
            do {
                try await follow()
            } catch is CancellationError {
                return
            } catch {
                logger.warning("cannot read events; trying again", metadata: ["error": "\(error)"])
                do { try await Task.sleep(for: .seconds(1)) } catch { return }
            }
            forget()
        }
    }

    /// Reads what is new, for as long as anyone follows.
    private func follow() async throws {
        var last = try await store.lastEvent()
        begin(at: last)
        while state.withLock({ !$0.followers.isEmpty && !$0.isClosed }) {
            try await store.waitForEvents(after: last, for: .seconds(5))
            var isWhole = false
            while !isWhole {
                let events = try await store.events(of: nil, after: last, limit: Self.page)
                isWhole = events.count < Self.page
                guard let newest = events.last?.id else { break }
                append(EventBatch(events))
                last = newest
            }
            try await Task.sleep(for: pause)
        }
    }

    /// The time between two reads.
    ///
    /// Grows with the number of followers, so that each write carries more events.
    private var pause: Duration {
        let followers = state.withLock(\.followers.count)
        return min(.milliseconds(400), max(.milliseconds(20), .microseconds(800) * followers))
    }

    private func untilFollowed() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = state.withLock { state in
                    if !state.followers.isEmpty || state.isClosed || Task.isCancelled { return true }
                    state.starter = continuation
                    return false
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            let starter = state.withLock { state in
                defer { state.starter = nil }
                return state.starter
            }
            starter?.resume()
        }
    }

    private func begin(at last: Int64) {
        state.withLock { state in
            (state.floor, state.newest) = (last, last)
        }
        // What came before this and after they read is theirs to read.
        wake { $0.after < last }
    }

    private func forget() {
        state.withLock { state in
            (state.batches, state.bytes, state.floor, state.newest) = ([], 0, .max, .max)
        }
    }

    private func append(_ batch: EventBatch) {
        state.withLock { state in
            state.batches.append(batch)
            state.bytes += batch.bytes
            state.newest = batch.last
            while state.bytes > kept, state.batches.count > 1 {
                let dropped = state.batches.removeFirst()
                state.bytes -= dropped.bytes
                state.floor = dropped.last
            }
        }
        wake { batch.concerns($0.names) }
    }
}
