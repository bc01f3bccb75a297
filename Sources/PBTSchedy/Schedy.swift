// SPDX-License-Identifier: Apache-2.0

package import PBT

/// Schedy's service over a store: its experiments are experiments of the store, its jobs are intervals with a label.
///
/// Every call is one transaction. A call that throws a ``SchedyFailure`` has written nothing.
package struct Schedy<Rows: TransactionalStore>: Sendable {
    let store: Rows
    let settings: SchedySettings

    /// A service over a store.
    ///
    /// - Parameters:
    ///   - store: The store of the experiments.
    ///   - settings: The settings.
    package init(_ store: Rows, settings: SchedySettings = SchedySettings()) {
        self.store = store
        self.settings = settings
    }

    private func write<Result: Sendable>(
        _ body: @escaping @Sendable (SchedyRows<Rows.Rows>) throws -> Result
    ) async throws(SchedyFailure) -> Result {
        do {
            return try await store.write(durable: true) { [settings] in try body(SchedyRows($0, settings)) }
        } catch {
            throw SchedyFailure(error)
        }
    }

    private func read<Result: Sendable>(
        _ body: @escaping @Sendable (SchedyRows<Rows.Rows>) throws -> Result
    ) async throws(SchedyFailure) -> Result {
        do {
            return try await store.read { [settings] in try body(SchedyRows($0, settings)) }
        } catch {
            throw SchedyFailure(error)
        }
    }

    // MARK: Experiments

    /// Creates an experiment, or replaces the definition of an existing one.
    ///
    /// - Parameters:
    ///   - name: Its name.
    ///   - body: `status` and `scheduler`.
    ///   - mustBeNew: Whether an existing experiment is an error (412).
    /// - Returns: The experiment, and whether it is new.
    /// - Throws: A ``SchedyFailure``.
    package func put(
        _ name: String, _ body: Value, mustBeNew: Bool
    ) async throws(SchedyFailure) -> (experiment: Value, isNew: Bool) {
        try await write { try $0.put(name, body, mustBeNew: mustBeNew) }
    }

    /// Returns an experiment.
    ///
    /// - Throws: A ``SchedyFailure``: 404.
    package func experiment(_ name: String) async throws(SchedyFailure) -> Value {
        try await read { rows in try rows.value(of: rows.existing(name)) }
    }

    /// Returns a page of experiments in the order of their creation.
    ///
    /// - Parameter start: The `next` of the previous page; nil for the first page.
    /// - Returns: `items`, and `next` when there are more.
    /// - Throws: A ``SchedyFailure``: 400 for a `start` that is not the `next` of a page.
    package func experiments(from start: String?) async throws(SchedyFailure) -> Value {
        try await read { try $0.experiments(from: start) }
    }

    /// Deletes an experiment with all its jobs.
    ///
    /// - Parameters:
    ///   - name: Its name.
    ///   - mustExist: Whether a missing experiment is an error (412).
    /// - Throws: A ``SchedyFailure``.
    package func delete(_ name: String, mustExist: Bool) async throws(SchedyFailure) {
        try await write { try $0.delete(name, mustExist: mustExist) }
    }

    // MARK: Jobs

    /// Adds a job, a founder of its own, in any status.
    ///
    /// - Throws: A ``SchedyFailure``.
    package func add(_ content: SchedyJobContent, to name: String) async throws(SchedyFailure) -> SchedyJob {
        try await write { rows in
            var record = try rows.existing(name)
            return try rows.add(content, id: nil, to: &record)
        }
    }

    /// Returns a page of an experiment's jobs.
    ///
    /// - Parameters:
    ///   - name: The experiment's name.
    ///   - start: The `next` of the previous page; nil for the first page.
    /// - Returns: `items`, and `next` when there are more.
    /// - Throws: A ``SchedyFailure``.
    package func jobs(of name: String, from start: String?) async throws(SchedyFailure) -> Value {
        try await read { rows in try rows.jobs(of: rows.existing(name), from: start) }
    }

    /// Returns a job.
    ///
    /// - Throws: A ``SchedyFailure``: 404.
    package func job(_ id: String, of name: String) async throws(SchedyFailure) -> SchedyJob {
        try await read { rows in
            let record = try rows.existing(name)
            guard let job = try rows.job(id, in: record) else { throw SchedyFailure.noJob(id, of: name) }
            return job
        }
    }

    /// Updates a job, or creates it under that name.
    ///
    /// - Parameters:
    ///   - id: The job's name.
    ///   - name: The experiment's name.
    ///   - content: The new status, hyperparameters and results.
    ///   - condition: The precondition.
    /// - Returns: The job, and whether it is new.
    /// - Throws: A ``SchedyFailure``: 412 when the condition does not hold.
    package func put(
        _ id: String, of name: String, _ content: SchedyJobContent, if condition: SchedyCondition
    ) async throws(SchedyFailure) -> (job: SchedyJob, isNew: Bool) {
        try await write { rows in
            var record = try rows.existing(name)
            return try rows.put(id, content, if: condition, in: &record)
        }
    }

    /// Deletes a job.
    ///
    /// - Parameters:
    ///   - id: The job's name.
    ///   - name: The experiment's name.
    ///   - condition: The precondition.
    /// - Throws: A ``SchedyFailure``.
    package func delete(
        _ id: String, of name: String, if condition: SchedyCondition
    ) async throws(SchedyFailure) {
        try await write { rows in
            var record = try rows.existing(name)
            try rows.delete(id, if: condition, in: &record)
        }
    }

    /// Returns the next job to train, reserved for the caller; nil if there is none at the moment.
    ///
    /// - Throws: A ``SchedyFailure``.
    package func nextJob(of name: String) async throws(SchedyFailure) -> SchedyJob? {
        try await write { rows in
            var record = try rows.existing(name)
            return try rows.next(in: &record)
        }
    }
}
