// SPDX-License-Identifier: Apache-2.0

import PBT

/// The rules of Schedy's service within a transaction.
struct SchedyRows<Rows: Ledger> {
    let rows: Rows
    let settings: SchedySettings

    init(_ rows: Rows, _ settings: SchedySettings) {
        self.rows = rows
        self.settings = settings
    }

    /// The recorded reason of an experiment that its client set to `DONE`; stores hold this string.
    static var setToDone: String { "its client set it to DONE" }
    /// The key in an experiment's notes that marks it as one of Schedy's.
    static var key: String { JobLabel.key }

    // MARK: Experiments

    /// Returns the experiment of a name, if it is one of Schedy's.
    func existing(_ name: String) throws -> ExperimentRecord {
        guard let record = try rows.record(named: name), record.notes[Self.key] != nil else {
            throw SchedyFailure.noExperiment(name)
        }
        return record
    }

    func scheduler(of record: ExperimentRecord) throws -> SchedyScheduler {
        try SchedyScheduler(record.notes[Self.key]?["scheduler"])
    }

    func value(of record: ExperimentRecord) throws -> Value {
        [
            "name": .string(record.experiment.name), "status": record.state.isOver ? "DONE" : "RUNNING",
            "scheduler": try scheduler(of: record).response,
        ]
    }

    func experiments(from start: String?) throws -> Value {
        var last: Int64 = 0
        if let start {
            guard let number = Int64(start) else {
                throw SchedyFailure(400, "\"start\" must be the next of a page")
            }
            last = number
        }
        let found = try rows.records().filter { $0.id > last && $0.notes[Self.key] != nil }
        let page = found.prefix(settings.pageSize)
        var response: [String: Value] = ["items": .array(try page.map(value))]
        if found.count > page.count { response["next"] = page.last.map { .string("\($0.id)") } }
        return .object(response)
    }

    func put(_ name: String, _ body: Value, mustBeNew: Bool) throws -> (experiment: Value, isNew: Bool) {
        guard let object = body.object else { throw SchedyFailure(400, "an experiment must be a JSON object") }
        let isDone: Bool
        switch object["status"] {
        case nil, .null?, .string("RUNNING")?: isDone = false
        case .string("DONE")?: isDone = true
        case let other?: throw SchedyFailure(400, "\"status\" must be RUNNING or DONE, not \(other.json.prefix(40))")
        }
        let scheduler = try SchedyScheduler(object["scheduler"])
        guard let old = try rows.record(named: name) else {
            var record = try create(scheduler, named: name, seed: settings.random())
            if isDone { try end(&record, because: Self.setToDone) }
            return (try value(of: record), true)
        }
        if mustBeNew { throw SchedyFailure(412, "experiment \"\(name.prefix(80))\" already exists") }
        guard old.notes[Self.key] != nil else {
            throw SchedyFailure(409, "experiment \"\(name.prefix(80))\" was not made by Schedy's client")
        }
        var record = try replace(old, by: scheduler)
        if isDone {
            if !record.state.isOver { try end(&record, because: Self.setToDone) }
        } else if record.state.isOver {
            try reopen(&record)
        }
        return (try value(of: record), false)
    }

    /// Creates an experiment.
    ///
    /// - Parameters:
    ///   - scheduler: Its scheduler.
    ///   - name: Its name.
    ///   - seed: The seed of every draw.
    ///   - objective: The objective, if the scheduler defines none.
    /// - Returns: The record.
    /// - Throws: The errors of the store.
    func create(
        _ scheduler: SchedyScheduler, named name: String, seed: UInt64, objective: Objective = .undeclared
    ) throws -> ExperimentRecord {
        var experiment = scheduler.experiment(named: name, seed: seed)
        if scheduler.objective == nil { experiment.objective = objective }
        var record = try rows.create(experiment)
        record.notes[Self.key] = ["scheduler": scheduler.value]
        try rows.updateNotes(record)
        return record
    }

    func delete(_ name: String, mustExist: Bool) throws {
        guard let record = try rows.record(named: name) else {
            if mustExist { throw SchedyFailure(412, "there is no experiment \"\(name.prefix(80))\"") }
            return
        }
        guard record.notes[Self.key] != nil else {
            throw SchedyFailure(409, "experiment \"\(name.prefix(60))\" was not made by Schedy's client; use: pbt rm")
        }
        try rows.delete(record)
    }

    /// Finishes an experiment.
    ///
    /// Running jobs may finish and are recorded.
    func end(_ record: inout ExperimentRecord, because reason: String?) throws {
        record.state = .finished
        record.reason = reason
        record.ended = rows.now
        try rows.update(record)
        var details: [String: Value] = ["state": "finished"]
        details["reason"] = reason.map { .string($0) }
        details["best"] = record.best?.value
        details["score"] = record.bestScore.map { .number($0) }
        try rows.append(.ended, nil, details, in: record)
    }

    /// Resumes a finished or failed experiment.
    func reopen(_ record: inout ExperimentRecord) throws {
        record.state = .running
        record.reason = nil
        record.ended = nil
        record.failuresInARow = 0
        try rows.update(record)
        try rows.append(.resumed, nil, [:], in: record)
    }

    /// Finishes a population when all its members have finished their last jobs.
    func settle(_ record: inout ExperimentRecord) throws {
        guard record.state == .running, !record.experiment.isEndless else { return }
        let scheduler = try scheduler(of: record)
        guard scheduler.kind == .populationBasedTraining, let wanted = scheduler.initialJobs else { return }
        guard record.experiment.population >= wanted, record.membersEnded >= record.experiment.population else {
            return
        }
        try end(&record, because: nil)
    }

    // MARK: Jobs

    func job(_ id: String, in record: ExperimentRecord) throws -> SchedyJob? {
        try rows.interval(labeled: id, in: record).flatMap { SchedyJob($0, in: record) }
    }

    func jobs(of record: ExperimentRecord, from start: String?) throws -> Value {
        var last: IntervalID?
        if let start {
            last = IntervalID(start)
            if last == nil { throw SchedyFailure(400, "\"start\" must be the next of a page") }
        }
        let found = try rows.labeled(in: record, after: last, limit: settings.pageSize + 1)
        let page = found.prefix(settings.pageSize)
        var response: [String: Value] = [
            "items": .array(page.compactMap { SchedyJob($0, in: record)?.value })
        ]
        if found.count > page.count { response["next"] = page.last.map { .string($0.id.description) } }
        return .object(response)
    }

    func put(
        _ id: String, _ content: SchedyJobContent, if condition: SchedyCondition, in record: inout ExperimentRecord
    ) throws -> (job: SchedyJob, isNew: Bool) {
        guard let interval = try rows.interval(labeled: id, in: record) else {
            try condition.check(nil, id)
            return (try add(content, id: id, to: &record), true)
        }
        try condition.check(SchedyJob(interval, in: record), id)
        var content = content
        // Omitted hyperparameters are kept by a conditional update; overwriting removes them, except in a random search.
        if content.hyperparameters == nil, condition == .none, try scheduler(of: record).kind != .randomSearch {
            content.hyperparameters = [:]
        }
        return (try change(interval, to: content, in: &record), false)
    }

    /// Adds a job: a founder of its own, in any status.
    func add(_ content: SchedyJobContent, id: String?, to record: inout ExperimentRecord) throws -> SchedyJob {
        let hyperparameters = content.hyperparameters ?? [:]
        try scheduler(of: record).check(hyperparameters)
        if let id { try Self.check(id) }
        let label = try id ?? freshID(in: record)
        let interval = try add(label, hyperparameters, to: &record)
        return try apply(content, interval, in: &record)
    }

    /// Adds a waiting founder with a label.
    func add(
        _ label: String, _ hyperparameters: [String: Value], to record: inout ExperimentRecord
    ) throws -> Interval {
        var interval = record.experiment.firstInterval(of: record.experiment.population, at: rows.now)
        interval.replace(by: hyperparameters, recording: record.experiment.kind != .manual)
        interval.label = label
        interval.notes["version"] = version()
        try rows.add(interval, to: &record)
        try rows.update(record)
        try rows.append(.pushed, interval.id, ["hyperparameters": interval.hyperparameters.value], in: record)
        return interval
    }

    /// Returns an unused name of six characters that are safe in URLs, like the names that Schedy generated.
    func freshID(in record: ExperimentRecord) throws -> String {
        try JobLabel.fresh(in: record, of: rows, random: settings.random)
    }

    func version() -> Value {
        .string(String(settings.random(), radix: 36))
    }

    private static func check(_ id: String) throws(SchedyFailure) {
        guard !id.isEmpty, id.utf8.count <= 128,
            !id.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7f })
        else { throw SchedyFailure(400, "a job's name must have 1 to 128 bytes and no control characters") }
    }
}

extension Interval {
    /// Replaces the hyperparameters by those that a client has set.
    ///
    /// - Parameters:
    ///   - given: The new hyperparameters, all of them.
    ///   - isRecorded: Whether the differences are recorded as changes, so that the previous values can be re-derived.
    mutating func replace(by given: [String: Value], recording isRecorded: Bool) {
        if isRecorded {
            for name in Set(hyperparameters.names).union(given.keys).sorted() {
                let (old, new) = (hyperparameters[name], given[name])
                if let old, let new, old.isIdentical(to: new) { continue }
                changes.append(
                    Change(
                        name: name, old: old ?? .null, operation: new == nil ? "removed" : "pushed", new: new ?? .null))
            }
        }
        hyperparameters = Hyperparameters(given)
    }
}
