// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTReport

/// A cache with one snapshot per experiment, so that any number of viewers costs one read.
///
/// A snapshot is valid until an event happens to its experiment. One that took long to read is kept for a multiple of
/// that time regardless: a page that follows a large experiment must not slow the store down for its workers.
actor Snapshots {
    /// A snapshot with the loader that read it, from which the next read continues.
    private typealias Reading = (snapshot: Snapshot, loader: HistoryLoader)

    private struct Entry {
        var snapshot: Snapshot
        var loader: HistoryLoader
        var validUntil: ContinuousClock.Instant
        var lastUse: Int
    }

    /// The maximum number of experiments in the cache.
    private static let limit = 16
    /// The maximum number of intervals in the cache, over all experiments.
    private static let intervalLimit = 400_000

    /// A read that takes less than this is repeated as soon as there is a new event.
    private static let cheap = Duration.milliseconds(50)

    private let store: any Store
    private let clock: StoreClock
    private let rest: Int
    private var entries: [String: Entry] = [:]
    private var reading: [String: Task<Reading, any Error>] = [:]
    /// The number of times that the whole cache was invalidated.
    private var generation = 0
    private var uses = 0
    /// The number of reads so far.
    private(set) var reads = 0

    /// An empty cache.
    ///
    /// - Parameters:
    ///   - store: The store of the experiments.
    ///   - clock: The store's time.
    ///   - rest: The multiple of the time that a read took for which its result is kept.
    init(store: any Store, clock: StoreClock, rest: Int) {
        self.store = store
        self.clock = clock
        self.rest = rest
    }

    /// Returns a snapshot of an experiment: current, or from a moment ago.
    ///
    /// - Throws: What the store throws.
    func snapshot(of name: String) async throws -> Snapshot {
        uses += 1
        if let entry = entries[name] {
            entries[name]?.lastUse = uses
            if try await isValid(entry) { return entry.snapshot }
        }
        if let task = reading[name] { return try await task.value.snapshot }
        reads += 1
        let (store, clock) = (store, clock)
        let loader = entries[name]?.loader ?? HistoryLoader()
        let task = Task {
            // Awaited below by the first caller.
            try await Self.read(name, with: loader, from: store, clock)
        }
        reading[name] = task
        let started = generation
        defer { if started == generation { reading[name] = nil } }
        let start = ContinuousClock.now
        do {
            let (snapshot, loader) = try await task.value
            guard started == generation else { return snapshot }
            let cost = ContinuousClock.now - start
            let rest = cost < Self.cheap ? .zero : cost * rest
            entries[name] = Entry(
                snapshot: snapshot, loader: loader, validUntil: .now.advanced(by: rest), lastUse: uses)
            evict()
            return snapshot
        } catch {
            // A deleted experiment must not be shown again.
            entries[name] = nil
            throw error
        }
    }

    /// Invalidates the snapshot of an experiment.
    func forget(_ name: String) {
        entries[name] = nil
    }

    /// Invalidates all snapshots, including those that are being read.
    func forget() {
        (entries, reading) = ([:], [:])
        generation += 1
    }

    private func isValid(_ entry: Entry) async throws -> Bool {
        if ContinuousClock.now < entry.validUntil { return true }
        return try await !Self.hasNews(of: entry.snapshot, in: store)
    }

    /// Returns whether an experiment or its random search has events that a snapshot does not reflect.
    ///
    /// - Throws: A `PBTError` with code `noSuchExperiment` when the experiment was deleted, or what the store throws.
    static func hasNews(of snapshot: Snapshot, in store: any Store) async throws -> Bool {
        let record = try await store.record(of: snapshot.name)
        guard record.id == snapshot.record.id else { return true }
        for name in [snapshot.name, snapshot.baseline].compactMap(\.self)
        where try await !store.events(of: name, after: snapshot.revision, limit: 1).isEmpty {
            return true
        }
        guard snapshot.baseline == nil, let baseline = record.experiment.baseline else { return false }
        do {
            // A random search that was created since.
            _ = try await store.record(of: baseline.name)
            return true
        } catch let error as PBTError where error.code == .noSuchExperiment {
            return false
        }
    }

    /// Removes the least recently used snapshots beyond the limits.
    private func evict() {
        func total() -> Int { entries.values.reduce(0) { $0 + $1.snapshot.history.genealogy.intervals.count } }
        while entries.count > Self.limit || (entries.count > 1 && total() > Self.intervalLimit),
            let oldest = entries.min(by: { $0.value.lastUse < $1.value.lastUse })?.key
        {
            entries[oldest] = nil
        }
    }

    private static func read(
        _ name: String, with loader: HistoryLoader, from store: any Store, _ clock: StoreClock
    ) async throws -> Reading {
        var loader = loader
        // Before the rows: events that come while they are read count as new.
        let revision = try await store.lastEvent()
        let loaded = try await loader.load(name, from: store)
        return (Snapshot(loaded, revision: revision, time: clock.now()), loader)
    }
}
