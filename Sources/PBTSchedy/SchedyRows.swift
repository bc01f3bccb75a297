// SPDX-License-Identifier: Apache-2.0

import PBT

/// The rules of Schedy's service inside one transaction.
struct SchedyRows<Rows: Ledger> {
    let rows: Rows
    let settings: SchedySettings

    init(_ rows: Rows, _ settings: SchedySettings) {
        self.rows = rows
        self.settings = settings
    }

    /// Why an experiment is over whose client said so.
    static var saidDone: String { "its client set it to DONE" }
    /// The key of an experiment's notes that makes it one of Schedy's.
    static var key: String { "schedy" }

    // MARK: Experiments

    /// The experiment of that name, if it is one of Schedy's.
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
            "scheduler": try scheduler(of: record).answer,
        ]
    }

    func experiments(from start: String?) throws -> Value {
        var last: Int64 = 0
        if let start {
            guard let number = Int64(start) else {
                throw SchedyFailure(400, "\"start\" must be what a page gave as next")
            }
            last = number
        }
        let found = try rows.records().filter { $0.id > last && $0.notes[Self.key] != nil }
        let page = found.prefix(settings.pageSize)
        var answer: [String: Value] = ["items": .array(try page.map(value))]
        if found.count > page.count { answer["next"] = page.last.map { .string("\($0.id)") } }
        return .object(answer)
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
            if isDone { try end(&record, because: Self.saidDone) }
            return (try value(of: record), true)
        }
        if mustBeNew { throw SchedyFailure(412, "experiment \"\(name.prefix(80))\" exists already") }
        guard old.notes[Self.key] != nil else {
            throw SchedyFailure(409, "experiment \"\(name.prefix(80))\" was not made by Schedy's client")
        }
        var record = try replace(old, by: scheduler)
        if isDone {
            if !record.state.isOver { try end(&record, because: Self.saidDone) }
        } else if record.state.isOver {
            try reopen(&record)
        }
        return (try value(of: record), false)
    }

    func create(_ scheduler: SchedyScheduler, named name: String, seed: UInt64) throws -> ExperimentRecord {
        var record = try rows.create(scheduler.experiment(named: name, seed: seed))
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

    /// Ends an experiment.
    ///
    /// Jobs that run may go on and are recorded when they are done.
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

    /// Lets an experiment that is over go on.
    func reopen(_ record: inout ExperimentRecord) throws {
        record.state = .running
        record.reason = nil
        record.ended = nil
        record.failuresInARow = 0
        try rows.update(record)
        try rows.append(.resumed, nil, [:], in: record)
    }

    /// Ends a population whose members have all had their last job.
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
            if last == nil { throw SchedyFailure(400, "\"start\" must be what a page gave as next") }
        }
        let found = try rows.labeled(in: record, after: last, limit: settings.pageSize + 1)
        let page = found.prefix(settings.pageSize)
        var answer: [String: Value] = [
            "items": .array(page.compactMap { SchedyJob($0, in: record)?.value })
        ]
        if found.count > page.count { answer["next"] = page.last.map { .string($0.id.description) } }
        return .object(answer)
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
        // Whoever updates what it read may leave them out; whoever overwrites means what it says, where it is allowed.
        if content.hyperparameters == nil, condition == .none, try scheduler(of: record).kind != .randomSearch {
            content.hyperparameters = [:]
        }
        return (try change(interval, to: content, in: &record), false)
    }

    /// Adds a job by hand: a founder of its own, in whatever status.
    func add(_ content: SchedyJobContent, id: String?, to record: inout ExperimentRecord) throws -> SchedyJob {
        let hyperparameters = content.hyperparameters ?? [:]
        try scheduler(of: record).check(hyperparameters)
        if let id { try Self.check(id) }
        let label = try id ?? freshID(in: record)
        let interval = try add(label, hyperparameters, to: &record)
        return try become(content, interval, in: &record)
    }

    /// Adds a founder with a label that waits.
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

    /// Six characters that may stand in a URL, as Schedy's own names of jobs.
    func freshID(in record: ExperimentRecord) throws -> String {
        let characters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
        while true {
            let random = settings.random()
            let id = String((0..<6).map { characters[Int(random >> (6 * UInt64($0)) & 63)] })
            // Not one that a command line would take for an option.
            if !id.hasPrefix("-"), try rows.interval(labeled: id, in: record) == nil { return id }
        }
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
    /// Takes hyperparameters given by hand instead of its own.
    ///
    /// - Parameters:
    ///   - given: All that it has afterwards.
    ///   - isRecorded: Whether it is kept as changes, so that what was there can be derived again.
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
