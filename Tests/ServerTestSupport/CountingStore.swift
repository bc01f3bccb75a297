// SPDX-License-Identifier: Apache-2.0

package import PBT
import Synchronization

/// A store that counts how often a page of events, or all intervals of an experiment, are read from it.
package final class CountingStore: Store {
    private let store: InMemoryStore
    private let count = Atomic<Int>(0)
    private let reads = Atomic<Int>(0)
    private let asked = Atomic<Int>(0)

    package init(_ store: InMemoryStore) {
        self.store = store
    }

    /// How many pages of at least two events were read.
    package var pages: Int { count.load(ordering: .sequentiallyConsistent) }

    /// How often events were read, and whether there are any.
    package var eventReads: Int { asked.load(ordering: .sequentiallyConsistent) }

    /// How often all intervals of an experiment were read.
    package var wholes: Int { reads.load(ordering: .sequentiallyConsistent) }

    package func events(of name: String?, after last: Int64?, limit: Int) async throws -> [Event] {
        asked.add(1, ordering: .sequentiallyConsistent)
        let events = try await store.events(of: name, after: last, limit: limit)
        if events.count > 1 { count.add(1, ordering: .sequentiallyConsistent) }
        return events
    }

    package func create(_ experiment: Experiment) async throws -> ExperimentRecord {
        try await store.create(experiment)
    }
    package func experiments() async throws -> [ExperimentRecord] { try await store.experiments() }
    package func record(of name: String) async throws -> ExperimentRecord { try await store.record(of: name) }
    package func edit(_ experiment: Experiment) async throws { try await store.edit(experiment) }
    package func revise(_ experiment: Experiment) async throws -> Revision { try await store.revise(experiment) }
    package func revisions(of name: String) async throws -> [Revision] { try await store.revisions(of: name) }
    package func intervals(of name: String) async throws -> [Interval] {
        reads.add(1, ordering: .sequentiallyConsistent)
        return try await store.intervals(of: name)
    }
    package func runningIntervals(of name: String) async throws -> [Interval] {
        try await store.runningIntervals(of: name)
    }
    package func interval(_ id: IntervalID, of name: String) async throws -> Interval {
        try await store.interval(id, of: name)
    }
    package func claim(
        _ count: Int, from name: String, by worker: String, for term: Duration, key: String?
    ) async throws -> Claims { try await store.claim(count, from: name, by: worker, for: term, key: key) }
    package func renew(_ lease: Lease, for term: Duration) async throws -> Lease {
        try await store.renew(lease, for: term)
    }
    package func report(_ lease: Lease, _ metrics: [String: Value]) async throws {
        try await store.report(lease, metrics)
    }
    package func finish(_ lease: Lease, _ outcome: Outcome) async throws -> Finished {
        try await store.finish(lease, outcome)
    }
    package func release(_ lease: Lease, because reason: String) async throws {
        try await store.release(lease, because: reason)
    }
    package func abandon(worker: String, of name: String, because reason: String) async throws -> [IntervalID] {
        try await store.abandon(worker: worker, of: name, because: reason)
    }
    package func push(_ hyperparameters: Hyperparameters, to name: String) async throws -> Interval {
        try await store.push(hyperparameters, to: name)
    }
    package func pause(_ name: String) async throws { try await store.pause(name) }
    package func resume(_ name: String) async throws { try await store.resume(name) }
    package func stop(_ name: String, because reason: String) async throws {
        try await store.stop(name, because: reason)
    }
    package func remove(_ name: String) async throws { try await store.remove(name) }
    package func pin(_ id: IntervalID, of name: String, _ isPinned: Bool) async throws {
        try await store.pin(id, of: name, isPinned)
    }
    package func garbage(of name: String) async throws -> [String] { try await store.garbage(of: name) }
    package func collected(_ checkpoints: [String], of name: String) async throws {
        try await store.collected(checkpoints, of: name)
    }
    package func waitForEvents(after last: Int64, for time: Duration) async throws {
        try await store.waitForEvents(after: last, for: time)
    }
    package func lastEvent() async throws -> Int64 { try await store.lastEvent() }
    package func openIntervals(of name: String) async throws -> Int { try await store.openIntervals(of: name) }
}
