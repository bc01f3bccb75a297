// SPDX-License-Identifier: Apache-2.0

extension [Revision] {
    /// The number of members that began together: those that an edit added before anything had finished are among
    /// them, those that it added later or that had retired in between are not.
    package var membersInStep: Int {
        dropFirst().reduce(first?.experiment.population ?? 0) { size, revision in
            revision.after == 0 ? revision.experiment.population : Swift.min(size, revision.experiment.population)
        }
    }
}

extension Ledger {
    /// Returns the generations with all finished intervals, read from the rows.
    package func readGenerations(of record: ExperimentRecord) throws -> Generations {
        if record.experiment.halving != nil { return try readRungs(of: record) }
        let size =
            record.revisionNumber == 0 ? record.experiment.population : try revisions(in: record).membersInStep
        let generations = Generations(
            record.experiment, first: record.generation, size: size, definition: record.revisionNumber)
        if var elites = record.experiment.eliteRanking() {
            try elites.read(before: record.generation, in: record, self)
            generations.setElites(elites)
        }
        var index = record.generation
        while true {
            let rows = try intervals(in: record, index: index)
            guard !rows.isEmpty else { break }
            for interval in rows where interval.state.isFinished { try generations.report(interval, in: record, self) }
            index += 1
        }
        return generations
    }
}

extension Generations {
    /// Adds a finished interval, with its window of scores read from the rows.
    package func report(_ interval: Interval, in record: ExperimentRecord, _ rows: some Ledger) throws {
        try report(interval.id, undecided: interval.isUndecided) {
            guard let standing = record.experiment.standing(of: interval, after: nil) else { return nil }
            return try rows.standing(rebuilding: standing, in: record)
        }
    }
}

extension EliteRanking {
    /// Adds the best done intervals before an index, read from the rows.
    ///
    /// - Parameters:
    ///   - index: The index.
    ///   - record: The experiment.
    ///   - rows: The rows.
    /// - Throws: The errors of the database.
    mutating func read(before index: Int, in record: ExperimentRecord, _ rows: some Ledger) throws {
        guard index > 0 else { return }
        var limit = most.multiplied(saturatingBy: 2)
        while true {
            let best = try rows.best(limit, in: record)
            members = []
            var isComplete = best.count < limit
            for id in best {
                guard let interval = try rows.interval(id, in: record), let score = interval.score else { continue }
                // The first that is worse than all: ties have been seen to their end.
                if members.count == most, !isBetter(objective.key(score)) {
                    isComplete = true
                    break
                }
                guard id.index < index, let standing = record.experiment.standing(of: interval, after: nil) else {
                    continue
                }
                add([standing])
            }
            if isComplete { return }
            limit = limit.multiplied(saturatingBy: 2)
        }
    }
}
