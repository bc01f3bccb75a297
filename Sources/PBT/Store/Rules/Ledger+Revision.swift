// SPDX-License-Identifier: Apache-2.0

/// Edits of a definition: the revisions that are recorded, and their immediate effects.
extension Ledger {
    package func revise(_ experiment: Experiment) throws -> Revision {
        var record = try existing(experiment.name)
        var edited = experiment.withCopies(of: record.experiment).withDefaults(of: record.experiment)
        // Members come at any time here, so the definition does not determine their number.
        if record.experiment.takesMembers { edited.population = record.experiment.population }
        guard edited != record.experiment else { return try newestRevision(of: record) }
        let obstacles = edited.obstacles(toFollow: record.experiment)
        guard obstacles.isEmpty else {
            throw PBTError(
                .wrongState,
                "experiment \"\(experiment.name)\" cannot be edited like this: \(obstacles.joined(separator: "; ")). "
                    + "Give the new definition another name")
        }
        do {
            _ = try Experiment(document: Document(edited.value), directory: "/")
        } catch {
            throw PBTError(.badExperiment, "the definition of experiment \"\(experiment.name)\" is invalid: \(error)")
        }
        try edited.checkFoundersCopied()
        try strategies.check(edited)
        // Leases and deadlines that have expired belong to the previous definition.
        try expireLeases(&record)
        return try adopt(edited, in: &record)
    }

    /// Returns the revision in force.
    private func newestRevision(of record: ExperimentRecord) throws -> Revision {
        try revisions(in: record).last ?? record.firstRevision
    }

    /// Records a definition as the next revision and applies its effects; the caller has checked everything.
    @discardableResult
    func adopt(_ edited: Experiment, in record: inout ExperimentRecord) throws -> Revision {
        let before = record.experiment
        let differences = edited.differences(from: before)
        if record.revisionNumber == 0 { try insert(record.firstRevision, in: record) }
        record.revisionNumber += 1
        let revision = Revision(
            number: record.revisionNumber, time: now, experiment: edited, after: record.finishedIntervals,
            order: record.lateDecisions)
        try insert(revision, in: record)
        record.experiment = edited
        try updateDefinition(record)
        try append(
            .edited, nil,
            [
                "revision": .integer(revision.number),
                "changes": .array(
                    differences.map {
                        $0.value
                    }),
            ], in: record)
        let isSearchChanged = !edited.conflicts(with: before).isEmpty
        if edited.objective != before.objective { try rescore(&record) }
        if isSearchChanged { try adapt(&record, from: before) }
        if record.state.isOver {
            if isSearchChanged || edited.stop != before.stop { try reopen(&record) }
        } else if let ending = ending(of: record, after: nil) {
            try end(&record, ending.state, because: ending.reason)
        }
        try update(record)
        return revision
    }

    /// Gives each finished interval its score by an objective that was declared or changed.
    private func rescore(_ record: inout ExperimentRecord) throws {
        let objective = record.experiment.objective
        for var interval in try intervals(in: record, index: nil) where !interval.isDeleted {
            guard interval.state == .done || interval.state == .diverged else { continue }
            interval.score = objective.score(in: interval.metrics)
            interval.reason = interval.score == nil ? objective.missing : nil
            if interval.score != nil, interval.state == .diverged {
                interval.state = .done
                record.move(.diverged, to: .done)
            } else if interval.score == nil, interval.state == .done {
                interval.state = .diverged
                record.move(.done, to: .diverged)
            }
            try update(interval, in: record)
        }
        for interval in try newest(in: record) {
            try setStanding(
                record.experiment.standing(of: interval, after: nil), ofMember: interval.id.member, in: record)
        }
        try findBest(in: &record)
    }

    /// Sets the best interval of the record to the best of the rows.
    package func findBest(in record: inout ExperimentRecord) throws {
        record.best = nil
        record.bestScore = nil
        guard let id = try best(1, in: record).first, let score = try interval(id, in: record)?.score else { return }
        record.best = id
        record.bestScore = score
    }

    /// Resumes an experiment that had ended, if anything is left to train.
    private func reopen(_ record: inout ExperimentRecord) throws {
        let open = (record.counts[.waiting] ?? 0) + record.undecided
        record.failuresInARow = 0
        guard open > 0 || record.samplesFounders, !record.isTimeOver(at: now), ending(of: record, after: nil) == nil
        else { return }
        record.state = .running
        record.reason = nil
        record.ended = nil
        record.suspects = [:]
        record.generationBegan = now
        try append(.resumed, nil, [:], in: record)
    }

    /// Adds founders, and decides about members that had finished their last interval and now have more.
    ///
    /// With late decisions they await one; in a synchronous experiment they await the members behind them.
    private func adapt(_ record: inout ExperimentRecord, from before: Experiment) throws {
        let experiment = record.experiment
        let newest = try newest(in: record)
        if !experiment.takesMembers, experiment.population > newest.count {
            // Members that had retired already exist.
            let founders = (newest.count..<experiment.population).map { experiment.firstInterval(of: $0, at: now) }
            try experiment.checkConstraints(of: founders)
            try insert(founders, in: record)
            record.counts[.waiting, default: 0] += founders.count
        }
        try updateStandings(newest, in: record)
        let pending = newest.filter { $0.state.isFinished && !experiment.ends(after: $0) }
        let isLate = experiment.decides == .late
        record.undecided = isLate ? pending.count : 0
        for var interval in newest {
            let isUndecided = isLate && interval.state.isFinished && !experiment.ends(after: interval)
            guard interval.isUndecided != isUndecided else { continue }
            interval.isUndecided = isUndecided
            try update(interval, in: record)
        }
        let open = (record.counts[.waiting] ?? 0) + (record.counts[.running] ?? 0)
        if !isLate, !experiment.isSynchronous || open == 0 { try decide(after: pending, in: &record) }
        if experiment.isSynchronous {
            if !before.isSynchronous { record.generationBegan = now }
            let indices = try self.newest(in: record).filter { !$0.state.isFinished }.map(\.id.index)
            record.generation = indices.min() ?? record.generation
        } else if experiment.waitsForCertainty {
            // Checkpoints of earlier indices may be gone: members that are behind are decided about early.
            record.generation = try self.newest(in: record).map(\.id.index).max() ?? record.generation
            record.generationBegan = now
        }
        try recount(&record)
    }

    /// Removes retiring members from the standings, and adds those that come back.
    private func updateStandings(_ newest: [Interval], in record: ExperimentRecord) throws {
        let experiment = record.experiment
        for interval in newest {
            let member = interval.id.member
            let standing = try standings(of: record).population[id: member]
            if experiment.isRetired(member) {
                if standing != nil { try setStanding(nil, ofMember: member, in: record) }
            } else if standing == nil, let back = experiment.standing(of: interval, after: nil) {
                try setStanding(try self.standing(rebuilding: back, in: record), ofMember: member, in: record)
            }
        }
    }

    /// Decides about members at an edit, all with the same standings.
    private func decide(after pending: [Interval], in record: inout ExperimentRecord) throws {
        let population = try standings(of: record).population
        let history = history(of: record)
        let decisions = try pending.map {
            try record.experiment.decide(
                after: $0, in: population, learningFrom: history, strategies: strategies, at: now,
                revised: record.revisionNumber > 0)
        }
        for decision in decisions where decision.replaces {
            try setStanding(nil, ofMember: decision.interval.member, in: record)
        }
        let next = decisions.compactMap(\.next)
        try insert(next, in: record)
        record.counts[.waiting, default: 0] += next.count
        if record.experiment.isSynchronous, !next.isEmpty { record.generationBegan = now }
        _ = try markUnreferenced(after: pending, in: record)
    }

    /// Recounts the members that have ended, and the intervals that will not be trained, from the newest intervals.
    func recount(_ record: inout ExperimentRecord) throws {
        let experiment = record.experiment
        var ended = 0
        var missing = 0
        for interval in try newest(in: record) {
            let trained = interval.id.index + 1
            if experiment.isRetired(interval.id.member) {
                missing -= trained
            } else if interval.state.isFinished, experiment.ends(after: interval) {
                ended += 1
                missing += experiment.intervals - trained
            } else if trained > experiment.intervals {
                missing += experiment.intervals - trained
            }
        }
        record.membersEnded = ended
        record.skipped = missing
    }
}
