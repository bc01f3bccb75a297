// SPDX-License-Identifier: Apache-2.0

import Logging
import PBT
import ServiceLifecycle
import Synchronization

/// Those who wait for something to claim, in the order in which they came.
///
/// One task follows the store for all of them, and wakes as many as there is work for: a thousand that wait cost one
/// look a moment, not a thousand.
final class ClaimQueue: Service {
    /// A place in the queue, kept by a claim that found nothing, and the state that it saw.
    struct Ticket {
        fileprivate let number: Int
        fileprivate let news: Int
    }

    private struct Waiter {
        let number: Int
        let deadline: ContinuousClock.Instant
        let continuation: CheckedContinuation<Bool, Never>
    }

    private struct State {
        var waiters: [String: [Waiter]] = [:]
        /// The number of events of each experiment.
        var news: [String: Int] = [:]
        var last = 0
        var isClosed = false
    }

    private let store: any Store
    private let logger: Logger
    private let state = Mutex(State())
    /// The period in which one waiting claim is retried anyway: for expired leases, and other changes by time alone.
    private let probe: Duration
    private static let tick = Duration.milliseconds(200)

    init(store: any Store, logger: Logger, probe: Duration = .seconds(1)) {
        self.store = store
        self.logger = logger
        self.probe = probe
    }

    /// The number of waiting claims.
    var count: Int {
        state.withLock { $0.waiters.values.reduce(0) { $0 + $1.count } }
    }

    /// Takes a place in the queue, or keeps the one there is; to be called before each look.
    ///
    /// - Parameters:
    ///   - experiment: The experiment's name.
    ///   - ticket: The place so far.
    /// - Returns: The place.
    func ticket(for experiment: String, keeping ticket: Ticket? = nil) -> Ticket {
        state.withLock { state in
            if ticket == nil { state.last += 1 }
            return Ticket(number: ticket?.number ?? state.last, news: state.news[experiment] ?? 0)
        }
    }

    /// Returns true if an experiment had an event since a ticket was taken.
    func hasNews(since ticket: Ticket, of experiment: String) -> Bool {
        state.withLock { $0.news[experiment] ?? 0 != ticket.news }
    }

    /// Waits until there may be something to claim, or until the deadline.
    ///
    /// - Parameters:
    ///   - experiment: The experiment's name.
    ///   - ticket: The place in the queue, taken before the look that was in vain: what came since is not missed.
    ///   - deadline: The end of the wait.
    /// - Returns: True to retry the claim; false at the deadline, or when the server shuts down.
    /// - Throws: `CancellationError` when the task is cancelled.
    func wait(
        for experiment: String, with ticket: Ticket, until deadline: ContinuousClock.Instant
    ) async throws -> Bool {
        let isWoken = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let answer = state.withLock { state -> Bool? in
                    // Checked under the lock: a cancellation that came before is seen here, a later one by its handler.
                    if state.isClosed || Task.isCancelled { return false }
                    if state.news[experiment] ?? 0 != ticket.news { return true }
                    let waiter = Waiter(number: ticket.number, deadline: deadline, continuation: continuation)
                    let place = state.waiters[experiment]?.firstIndex { $0.number > ticket.number }
                    state.waiters[experiment, default: []].insert(
                        waiter, at: place ?? state.waiters[experiment]?.count ?? 0)
                    return nil
                }
                if let answer { continuation.resume(returning: answer) }
            }
        } onCancel: {
            let waiter = state.withLock { state -> Waiter? in
                guard let place = state.waiters[experiment]?.firstIndex(where: { $0.number == ticket.number }) else {
                    return nil
                }
                return state.waiters[experiment]?.remove(at: place)
            }
            waiter?.continuation.resume(returning: false)
        }
        try Task.checkCancellation()
        return isWoken
    }

    /// Wakes the first claim that waits for an experiment.
    private func wake(_ count: Int, of experiment: String) {
        let woken = state.withLock { state -> [Waiter] in
            guard let waiters = state.waiters[experiment], count > 0 else { return [] }
            let rest = waiters.dropFirst(count)
            state.waiters[experiment] = rest.isEmpty ? nil : Array(rest)
            return Array(waiters.prefix(count))
        }
        for waiter in woken { waiter.continuation.resume(returning: true) }
    }

    /// Follows the store until the server shuts down.
    func run() async throws {
        await cancelWhenGracefulShutdown {
            await withTaskGroup(of: Void.self) { tasks in
                tasks.addTask { await self.keepTime() }
                tasks.addTask { await self.follow() }
            }
        }
        close()
    }

    /// Ends all waits, present and future.
    func close() {
        let waiters = state.withLock { state in
            state.isClosed = true
            defer { state.waiters = [:] }
            return state.waiters.values.flatMap(\.self)
        }
        for waiter in waiters { waiter.continuation.resume(returning: false) }
    }

    /// Ends waits at their deadlines, and retries one claim in each period.
    private func keepTime() async {
        var sinceProbe = Duration.zero
        while !Task.isCancelled {
            do { try await Task.sleep(for: Self.tick) } catch { return }
            sinceProbe += Self.tick
            let now = ContinuousClock.now
            let (late, names) = state.withLock { state -> ([Waiter], [String]) in
                var late: [Waiter] = []
                for (name, waiters) in state.waiters where waiters.contains(where: { $0.deadline <= now }) {
                    late += waiters.filter { $0.deadline <= now }
                    let rest = waiters.filter { $0.deadline > now }
                    state.waiters[name] = rest.isEmpty ? nil : rest
                }
                return (late, Array(state.waiters.keys))
            }
            for waiter in late { waiter.continuation.resume(returning: false) }
            guard sinceProbe >= probe else { continue }
            sinceProbe = .zero
            for name in names { wake(1, of: name) }
        }
    }

    private func follow() async {
        var last: Int64 = 0
        while !Task.isCancelled {
            do {
                if last == 0 { last = try await store.lastEvent() }
                try await store.waitForEvents(after: last, for: .seconds(5))
                let events = try await store.events(of: nil, after: last, limit: 1000)
                last = events.last?.id ?? last
                for (name, events) in Dictionary(grouping: events, by: \.experiment) {
                    try await handle(events, of: name)
                }
            } catch is CancellationError {
                return
            } catch {
                logger.warning(
                    "cannot follow the store; waiting claims poll", metadata: ["error": "\(error)"])
                do { try await Task.sleep(for: .seconds(1)) } catch { return }
            }
        }
    }

    private func handle(_ events: [Event], of name: String) async throws {
        guard events.contains(where: { $0.kind != .started }) else { return }
        let isWaitedFor = state.withLock { state in
            state.news[name, default: 0] += 1
            return state.waiters[name] != nil
        }
        guard isWaitedFor else { return }
        do {
            let record = try await store.record(of: name)
            // No more than there is work for, so that the oldest claims get it; all are woken when the experiment has finished.
            wake(record.state.isOver ? .max : record.claimable, of: name)
        } catch let error as PBTError where error.code == .noSuchExperiment {
            wake(.max, of: name)
        }
    }
}
