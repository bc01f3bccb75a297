// SPDX-License-Identifier: Apache-2.0

/// A store that can make a change conditional on the present state of an experiment, atomically.
package protocol ConditionalStore: Store {
    /// Edits like ``Store/edit(_:)`` unless the condition throws.
    func edit(
        _ experiment: Experiment, if condition: @escaping @Sendable (ExperimentRecord) throws -> Void) async throws
    /// Edits like ``Store/revise(_:)`` unless the condition throws.
    func revise(
        _ experiment: Experiment, if condition: @escaping @Sendable (ExperimentRecord) throws -> Void
    ) async throws -> Revision
    /// Removes like ``Store/remove(_:)`` unless the condition throws.
    func remove(_ name: String, if condition: @escaping @Sendable (ExperimentRecord) throws -> Void) async throws
}

/// A store whose calls are transactions over a ``Ledger``.
package protocol TransactionalStore: ConditionalStore, EvaluatingStore {
    associatedtype Rows: Ledger

    /// Runs an exclusive transaction that may write; if it throws, nothing is written.
    ///
    /// - Parameters:
    ///   - isDurable: If true, the writes survive a power cut once this returns. Leases need not: after a power cut
    ///     their intervals are claimed again.
    ///   - body: The transaction.
    /// - Returns: The result of the body.
    /// - Throws: The errors of the body, and a ``PBTError`` if the database fails.
    func write<Result: Sendable>(
        durable isDurable: Bool, _ body: @escaping @Sendable (Rows) throws -> Result
    ) async throws -> Result

    /// Runs a read-only transaction.
    func read<Result: Sendable>(_ body: @escaping @Sendable (Rows) throws -> Result) async throws -> Result
}

extension TransactionalStore {
    /// See ``Store/create(_:)``.
    public func create(_ experiment: Experiment) async throws -> ExperimentRecord {
        try await write(durable: true) { try $0.create(experiment) }
    }

    /// See ``Store/experiments()``.
    public func experiments() async throws -> [ExperimentRecord] {
        try await read { try $0.records() }
    }

    /// See ``Store/record(of:)``.
    public func record(of name: String) async throws -> ExperimentRecord {
        try await read { try $0.existing(name) }
    }

    /// See ``Store/edit(_:)``.
    public func edit(_ experiment: Experiment) async throws {
        try await write(durable: true) { try $0.edit(experiment) }
    }

    /// See ``Store/revise(_:)``.
    public func revise(_ experiment: Experiment) async throws -> Revision {
        try await write(durable: true) { try $0.revise(experiment) }
    }

    /// See ``Store/revisions(of:)``.
    public func revisions(of name: String) async throws -> [Revision] {
        try await read { ledger in
            let record = try ledger.existing(name)
            let revisions = try ledger.revisions(in: record)
            return revisions.isEmpty ? [record.firstRevision] : revisions
        }
    }

    /// See ``Store/intervals(of:)``.
    public func intervals(of name: String) async throws -> [Interval] {
        try await read { try $0.intervals(in: $0.existing(name), index: nil) }
    }

    /// See ``Store/intervals(of:_:)``.
    public func intervals(of name: String, _ selection: IntervalSelection) async throws -> [Interval] {
        try await read { try $0.intervals(in: $0.existing(name), selection) }
    }

    /// See ``Store/changes(of:since:limit:)``.
    public func changes(of name: String, since cursor: ChangeCursor?, limit: Int) async throws -> Changes {
        try await read { ledger in
            let record = try ledger.existing(name)
            let last = try ledger.lastChange(in: record)
            // A cursor from before the store was restored from an older copy is not valid.
            let known = cursor.flatMap { $0.experiment == record.id && $0.number <= last ? $0.number : nil }
            if known == nil, limit == .max {
                return Changes(
                    intervals: try ledger.intervals(in: record, index: nil),
                    cursor: ChangeCursor(experiment: record.id, number: last), isReset: true, hasMore: false)
            }
            let changed = try ledger.changed(in: record, after: known ?? 0, limit: limit)
            let number = changed.last?.number ?? known ?? 0
            return Changes(
                intervals: changed.map(\.interval), cursor: ChangeCursor(experiment: record.id, number: number),
                isReset: known == nil, hasMore: number < last)
        }
    }

    /// See ``Store/runningIntervals(of:)``.
    public func runningIntervals(of name: String) async throws -> [Interval] {
        try await read { try $0.running(in: $0.existing(name), expiredBy: nil, worker: nil) }
    }

    /// See ``Store/interval(_:of:)``.
    public func interval(_ id: IntervalID, of name: String) async throws -> Interval {
        try await read { try $0.existing(id, in: $0.existing(name)) }
    }

    /// See ``Store/claim(_:from:by:for:key:)``.
    public func claim(
        _ count: Int, from name: String, by worker: String, for term: Duration, key: String?
    ) async throws -> Claims {
        let claims = try await write(durable: false) {
            try $0.claimWithoutDeciding(count, from: name, by: worker, for: term, key: key)
        }
        if let claims { return claims }
        return try await write(durable: true) { try $0.claim(count, from: name, by: worker, for: term, key: key) }
    }

    /// See ``Store/renew(_:for:)``.
    public func renew(_ lease: Lease, for term: Duration) async throws -> Lease {
        try await write(durable: false) { try $0.renew(lease, for: term) }
    }

    /// See ``Store/report(_:_:)``.
    public func report(_ lease: Lease, _ metrics: [String: Value]) async throws {
        try await write(durable: false) { try $0.report(lease, metrics) }
    }

    /// See ``Store/finish(_:_:)``.
    public func finish(_ lease: Lease, _ outcome: Outcome) async throws -> Finished {
        try await write(durable: true) { try $0.finish(lease, outcome) }
    }

    /// See ``Store/release(_:because:)``.
    public func release(_ lease: Lease, because reason: String) async throws {
        try await write(durable: false) { try $0.release(lease, because: reason) }
    }

    /// See ``Store/abandon(worker:of:because:)``.
    public func abandon(worker: String, of name: String, because reason: String) async throws -> [IntervalID] {
        try await write(durable: false) { try $0.abandon(worker: worker, of: name, because: reason) }
    }

    /// See ``Store/push(_:to:)``.
    public func push(_ hyperparameters: Hyperparameters, to name: String) async throws -> Interval {
        try await write(durable: true) { try $0.push(hyperparameters, to: name) }
    }

    /// See ``Store/pause(_:)``.
    public func pause(_ name: String) async throws {
        try await write(durable: true) { try $0.pause(name) }
    }

    /// See ``Store/resume(_:)``.
    public func resume(_ name: String) async throws {
        try await write(durable: true) { try $0.resume(name) }
    }

    /// See ``Store/stop(_:because:)``.
    public func stop(_ name: String, because reason: String) async throws {
        try await write(durable: true) { try $0.stop(name, because: reason) }
    }

    /// See ``Store/remove(_:)``.
    public func remove(_ name: String) async throws {
        try await write(durable: true) { try $0.remove(name) }
    }

    /// Extends leases so that none expires earlier than a given time from now.
    package func extendLeases(for time: Duration) async throws {
        try await write(durable: false) { try $0.extendLeases(for: time) }
    }

    package func edit(
        _ experiment: Experiment, if condition: @escaping @Sendable (ExperimentRecord) throws -> Void
    ) async throws {
        try await write(durable: true) { ledger in
            try condition(ledger.existing(experiment.name))
            try ledger.edit(experiment)
        }
    }

    package func revise(
        _ experiment: Experiment, if condition: @escaping @Sendable (ExperimentRecord) throws -> Void
    ) async throws -> Revision {
        try await write(durable: true) { ledger in
            try condition(ledger.existing(experiment.name))
            return try ledger.revise(experiment)
        }
    }

    package func remove(
        _ name: String, if condition: @escaping @Sendable (ExperimentRecord) throws -> Void
    ) async throws {
        try await write(durable: true) { ledger in
            try condition(ledger.existing(name))
            try ledger.remove(name)
        }
    }

    /// See ``Store/pin(_:of:_:)``.
    public func pin(_ id: IntervalID, of name: String, _ isPinned: Bool) async throws {
        try await write(durable: true) { try $0.pin(id, of: name, isPinned) }
    }

    /// See ``Store/garbage(of:)``.
    public func garbage(of name: String) async throws -> [String] {
        try await read { try $0.garbage(in: $0.existing(name)) }
    }

    /// See ``Store/collected(_:of:)``.
    public func collected(_ checkpoints: [String], of name: String) async throws {
        guard !checkpoints.isEmpty else { return }
        try await write(durable: false) { try $0.markDeleted(checkpoints, in: $0.existing(name)) }
    }

    /// See ``Store/events(of:after:limit:)``.
    public func events(of name: String?, after last: Int64?, limit: Int) async throws -> [Event] {
        try await read { try $0.events(of: name, after: last, limit: limit) }
    }

    /// See ``Store/lastEvent()``.
    public func lastEvent() async throws -> Int64 {
        try await read { try $0.lastEvent() }
    }

    /// See ``Store/openIntervals(of:)``.
    public func openIntervals(of name: String) async throws -> Int {
        let record = try await record(of: name)
        return (record.counts[.waiting] ?? 0) + (record.counts[.running] ?? 0) + record.undecided
    }
}
