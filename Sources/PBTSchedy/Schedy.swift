// SPDX-License-Identifier: Apache-2.0

package import PBT

/// Schedy's service over a store of ours: experiments are experiments, jobs are intervals with a label.
///
/// Every call is one transaction. What it throws is a ``SchedyFailure``, and then nothing was written.
package struct Schedy<Rows: TransactionalStore>: Sendable {
    let store: Rows
    let settings: SchedySettings

    /// - Parameters:
    ///   - store: Where the experiments are.
    ///   - settings: What can be set.
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

    /// Creates an experiment, or replaces the definition of the one there is.
    ///
    /// - Parameters:
    ///   - name: Its name.
    ///   - body: `status` and `scheduler`.
    ///   - mustBeNew: Whether an experiment of that name is an error (412).
    /// - Returns: The experiment, and whether it is new.
    /// - Throws: A ``SchedyFailure``.
    package func put(
        _ name: String, _ body: Value, mustBeNew: Bool
    ) async throws(SchedyFailure) -> (experiment: Value, isNew: Bool) {
        try await write { try $0.put(name, body, mustBeNew: mustBeNew) }
    }

    /// One experiment.
    ///
    /// - Throws: A ``SchedyFailure``: 404.
    package func experiment(_ name: String) async throws(SchedyFailure) -> Value {
        try await read { rows in try rows.value(of: rows.existing(name)) }
    }

    /// A page of experiments in the order of their creation.
    ///
    /// - Parameter start: What the page before gave as `next`; none for the first.
    /// - Returns: `items`, and `next` when there are more.
    /// - Throws: A ``SchedyFailure``: 400 for a `start` that no page gave.
    package func experiments(from start: String?) async throws(SchedyFailure) -> Value {
        try await read { try $0.experiments(from: start) }
    }

    /// Deletes an experiment with all its jobs.
    ///
    /// - Parameters:
    ///   - name: Its name.
    ///   - mustExist: Whether it is an error (412) when there is none.
    /// - Throws: A ``SchedyFailure``.
    package func delete(_ name: String, mustExist: Bool) async throws(SchedyFailure) {
        try await write { try $0.delete(name, mustExist: mustExist) }
    }

    // MARK: Jobs

    /// Adds a job by hand.
    ///
    /// - Throws: A ``SchedyFailure``.
    package func add(_ content: SchedyJobContent, to name: String) async throws(SchedyFailure) -> SchedyJob {
        try await write { rows in
            var record = try rows.existing(name)
            return try rows.add(content, id: nil, to: &record)
        }
    }

    /// A page of an experiment's jobs.
    ///
    /// - Parameters:
    ///   - name: The experiment's name.
    ///   - start: What the page before gave as `next`; none for the first.
    /// - Returns: `items`, and `next` when there are more.
    /// - Throws: A ``SchedyFailure``.
    package func jobs(of name: String, from start: String?) async throws(SchedyFailure) -> Value {
        try await read { rows in try rows.jobs(of: rows.existing(name), from: start) }
    }

    /// One job.
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
    ///   - content: What it becomes.
    ///   - condition: What must hold before.
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
    ///   - condition: What must hold before.
    /// - Throws: A ``SchedyFailure``.
    package func delete(
        _ id: String, of name: String, if condition: SchedyCondition
    ) async throws(SchedyFailure) {
        try await write { rows in
            var record = try rows.existing(name)
            try rows.delete(id, if: condition, in: &record)
        }
    }

    /// The job to work on next, reserved for whoever asked; none when there is none (now).
    ///
    /// - Throws: A ``SchedyFailure``.
    package func nextJob(of name: String) async throws(SchedyFailure) -> SchedyJob? {
        try await write { rows in
            var record = try rows.existing(name)
            return try rows.next(in: &record)
        }
    }
}

/// What can be set about Schedy's service.
package struct SchedySettings: Sendable {
    /// How long a job that was handed out is kept from others before its worker says that it runs.
    package var reservation: Duration
    /// How long a job may run without its worker being heard of; none: for ever.
    package var timeout: Duration?
    /// How many experiments or jobs a page has.
    package var pageSize: Int
    /// Draws of 64 random bits, for names and seeds.
    package var random: @Sendable () -> UInt64

    package init(
        reservation: Duration = .seconds(30), timeout: Duration? = nil, pageSize: Int = 100,
        random: @escaping @Sendable () -> UInt64 = { UInt64.random(in: .min ... .max) }
    ) {
        self.reservation = reservation
        self.timeout = timeout
        self.pageSize = pageSize
        self.random = random
    }
}

/// What must hold before something is written: HTTP's `If-Match` and `If-None-Match`.
package enum SchedyCondition: Sendable, Hashable {
    /// Nothing.
    case none
    /// It exists.
    case exists
    /// It does not exist.
    case isNew
    /// It exists in one of these versions.
    case version([String])

    /// Checks it against what there is.
    ///
    /// - Throws: A ``SchedyFailure`` with status 412.
    func check(_ job: SchedyJob?, _ id: String) throws(SchedyFailure) {
        switch (self, job) {
        case (.none, _), (.exists, .some), (.isNew, nil): return
        case (.isNew, .some): throw SchedyFailure(412, "job \"\(id.prefix(80))\" exists already")
        case (.exists, nil), (.version, nil): throw SchedyFailure(412, "job \"\(id.prefix(80))\" does not exist")
        case (.version(let tags), .some(let job)):
            guard tags.contains(job.tag) else {
                throw SchedyFailure(
                    412, "job \"\(id.prefix(60))\" was changed meanwhile: it is \(job.status.rawValue) now")
            }
        }
    }
}
