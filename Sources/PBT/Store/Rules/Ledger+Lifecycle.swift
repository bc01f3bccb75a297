// SPDX-License-Identifier: Apache-2.0

extension Ledger {
    package func create(_ experiment: Experiment) throws -> ExperimentRecord {
        if let complaint = Experiment.complaint(aboutName: experiment.name) {
            throw PBTError(.badExperiment, "the experiment's name \(complaint)")
        }
        guard experiment.intervals >= 1, experiment.population >= (experiment.takesMembers ? 0 : 1) else {
            throw PBTError(.badExperiment, "an experiment needs at least one member and one interval")
        }
        // A definition built in Swift must satisfy the rules of an experiment file, so that every store can read it
        // back.
        do {
            _ = try Experiment(document: Document(experiment.value), directory: "/")
        } catch {
            throw PBTError(.badExperiment, "the definition of experiment \"\(experiment.name)\" is invalid: \(error)")
        }
        guard try record(named: experiment.name) == nil else {
            throw PBTError(
                .alreadyExists,
                "there is an experiment \"\(experiment.name)\" already; give the new one another name, or remove the "
                    + "old one with: " + Shell.command(["pbt", "rm", experiment.name]))
        }
        try experiment.checkFoundersCopied()
        try strategies.check(experiment)
        let experiment = experiment.withNamedDefaults
        var record = try insert(
            ExperimentRecord(
                id: 0, experiment: experiment, state: .running, created: now, counts: [:], membersEnded: 0,
                skipped: 0, failuresInARow: 0, finishedIntervals: 0, generation: 0, generationBegan: now))
        let founders = (0..<experiment.population).map { experiment.firstInterval(of: $0, at: now) }
        try experiment.checkConstraints(of: founders)
        try insert(founders, in: record)
        record.counts[.waiting] = founders.count
        try update(record)
        try append(.created, nil, ["population": .integer(founders.count)], in: record)
        return record
    }

    package func edit(_ experiment: Experiment) throws {
        var record = try existing(experiment.name)
        let conflicts = experiment.conflictingDifferences(from: record.experiment)
        guard conflicts.isEmpty else {
            throw PBTError(
                .alreadyExists,
                "experiment \"\(experiment.name)\" already exists with \(conflicts.told); that cannot change once it "
                    + "exists: give the new definition another name, or remove the old experiment with: "
                    + Shell.command(["pbt", "rm", experiment.name]))
        }
        var edited = experiment.withCopies(of: record.experiment).withDefaults(of: record.experiment)
        edited.population = record.experiment.population
        guard edited != record.experiment else { return }
        try adopt(edited, in: &record)
    }

    package func push(_ hyperparameters: Hyperparameters, to name: String) throws -> Interval {
        var record = try existing(name)
        let given = try record.experiment.space.checked(hyperparameters)
        guard !record.state.isOver else {
            throw PBTError(
                .wrongState, "experiment \"\(name)\" has ended (\(record.state.rawValue)); nothing can be queued")
        }
        if record.experiment.takesMembers {
            var interval = record.experiment.firstInterval(of: record.experiment.population, at: now)
            try interval.take(given, in: record.experiment, recording: record.experiment.kind != .manual)
            if let name = record.experiment.space.missingExplored(in: interval.hyperparameters.values).first {
                throw PBTError(
                    .badValue, "hyperparameter \"\(name)\" is missing: explore changes it, so it needs a value")
            }
            // Clients that know jobs by their labels see it immediately.
            if record.labelsIntervals {
                interval.label = try JobLabel.fresh(in: record, of: self) { JobLabel.bits(of: freshToken()) }
                interval.notes["version"] = .string(freshToken())
            }
            try add(interval, to: &record)
            try update(record)
            try append(.pushed, interval.id, ["hyperparameters": interval.hyperparameters.value], in: record)
            return interval
        }
        guard var founder = try firstUnstartedFounder(in: record) else {
            throw PBTError(
                .wrongState,
                "every founder of \"\(name)\" has started or was already queued by hand; queue configurations before "
                    + "the run starts (pbt create FILE, then pbt push), or list them under initial: in the file")
        }
        try founder.take(given, in: record.experiment, recording: true)
        try updateHyperparameters(founder, in: record)
        try append(.pushed, founder.id, ["hyperparameters": founder.hyperparameters.value], in: record)
        return founder
    }

    /// Adds a member with its first interval; the caller writes the record.
    package func add(_ founder: Interval, to record: inout ExperimentRecord) throws {
        guard record.experiment.population < Limits.members else {
            throw PBTError(
                .wrongState,
                "experiment \"\(record.experiment.name)\" has \(Limits.members) members, which is the maximum; "
                    + "create another experiment")
        }
        record.experiment.population += 1
        record.counts[.waiting, default: 0] += 1
        try updateDefinition(record)
        try insert([founder], in: record)
    }

    package func pause(_ name: String) throws {
        var record = try existing(name)
        guard !record.state.isOver else {
            throw PBTError(
                .wrongState, "experiment \"\(name)\" has ended (\(record.state.rawValue)); it cannot be paused")
        }
        guard record.state == .running else { return }
        record.state = .paused
        try update(record)
        try append(.paused, nil, [:], in: record)
    }

    package func resume(_ name: String) throws {
        var record = try existing(name)
        guard record.state != .finished else {
            throw PBTError(.wrongState, "experiment \"\(name)\" is finished; there is nothing to resume")
        }
        guard record.state != .running else { return }
        let open = (record.counts[.waiting] ?? 0) + (record.counts[.running] ?? 0) + record.undecided
        guard record.state == .paused || open > 0 || record.samplesFounders else {
            throw PBTError(.wrongState, "experiment \"\(name)\" failed, and no member has an interval left to train")
        }
        record.state = .running
        record.reason = nil
        record.ended = nil
        record.failuresInARow = 0
        record.suspects = [:]
        record.generationBegan = now
        try update(record)
        try append(.resumed, nil, [:], in: record)
    }

    package func stop(_ name: String, because reason: String) throws {
        var record = try existing(name)
        guard !record.state.isOver else { return }
        try end(&record, .finished, because: reason)
        try update(record)
    }

    /// Ends an experiment in its record and ends its leases; the caller writes the record.
    func end(_ record: inout ExperimentRecord, _ state: ExperimentRecord.State, because reason: String?) throws {
        for var interval in try running(in: record, expiredBy: nil, worker: nil) {
            interval.state = .waiting
            interval.token = nil
            interval.leaseExpires = nil
            try update(interval, in: record)
            record.move(.running, to: .waiting)
        }
        record.state = state
        record.reason = reason
        record.ended = now
        var details: [String: Value] = ["state": .string(state.rawValue)]
        details["reason"] = reason.map { .string($0) }
        details["best"] = record.best?.value
        details["score"] = record.bestScore.map { .number($0) }
        try append(.ended, nil, details, in: record)
    }

    package func remove(_ name: String) throws {
        let record = try existing(name)
        let live = try running(in: record, expiredBy: nil, worker: nil).filter { $0.leaseExpires ?? now > now }
        guard live.isEmpty || record.state.isOver else {
            throw PBTError(
                .wrongState,
                (live.count == 1
                    ? "1 interval of \"\(name)\" is running; stop it first with: "
                    : "\(live.count) intervals of \"\(name)\" are running; stop them first with: ")
                    + Shell.command(["pbt", "stop", name]))
        }
        try delete(record)
    }
}

extension Interval {
    /// Replaces hyperparameters of a founder with values given by hand.
    ///
    /// - Parameters:
    ///   - given: The new values; the others stay, unless they depend on the new ones.
    ///   - experiment: The experiment.
    ///   - isRecorded: If true, the replacements are recorded as changes, so that the old values can be re-derived.
    /// - Throws: A ``PBTError`` with code ``PBTError/Code/badValue`` if the others cannot satisfy a constraint.
    mutating func take(
        _ given: Hyperparameters, in experiment: Experiment, recording isRecorded: Bool
    ) throws(PBTError) {
        let taken = try experiment.dependents(of: given, for: self)
        if isRecorded {
            changes += taken.names.map { name in
                Change(
                    name: name, old: hyperparameters[name] ?? .null,
                    operation: taken.removed.contains(name) ? "removed" : "pushed", new: taken.values[name] ?? .null)
            }
        }
        hyperparameters.values.merge(taken.values) { $1 }
        for name in taken.removed { hyperparameters.values.removeValue(forKey: name) }
    }
}
