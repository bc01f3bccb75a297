// SPDX-License-Identifier: Apache-2.0

/// The population of an experiment after a number of finished intervals, cached between transactions.
///
/// A class, so that reading 10,000 members copies none of them. Used by one transaction at a time.
package final class Standings {
    /// The members that can be ranked.
    package var population: Population
    /// The ``ExperimentRecord/revision`` that they are up to date with.
    package var revision: Int64
    /// The number of the definition's revision that they were computed with.
    package var definition: Int

    package init(population: Population, revision: Int64, definition: Int) {
        self.population = population
        self.revision = revision
        self.definition = definition
    }

    /// Creates the standings of an empty population.
    package convenience init(of record: ExperimentRecord) {
        self.init(
            population: Population(record.experiment), revision: 0, definition: record.revisionNumber)
    }

    /// Returns true if they were computed with this definition; otherwise they must be read again.
    package func isCurrent(for record: ExperimentRecord) -> Bool {
        definition == record.revisionNumber && population.objective == record.experiment.objective
    }

    /// Sets or clears the standing of a member.
    package func set(_ standing: Population.Member?, ofMember member: Int) {
        if let standing { population.update(standing) } else { population.remove(member) }
    }
}

extension Standings {
    /// Returns a member with its window of scores, read along its own parents.
    ///
    /// - Parameters:
    ///   - member: The member, with its last score.
    ///   - window: The maximum number of scores.
    ///   - interval: Looks up an interval.
    /// - Returns: The member with its window.
    /// - Throws: The errors of `interval`.
    package static func standing(
        rebuilding member: Population.Member, window: Int, _ interval: (IntervalID) throws -> Interval?
    ) rethrows -> Population.Member {
        var scores = [member.score]
        if window > 1 {
            var ancestor = try interval(member.interval)?.parent
            var index = member.index
            // Back to its own earlier checkpoint is a replacement too.
            while let id = ancestor, id.member == member.id, id.index + 1 == index, scores.count < window {
                guard let before = try interval(id), let score = before.score else { break }
                index = id.index
                scores.append(score)
                ancestor = before.parent
            }
        }
        var standing = member
        standing.window = scores.reversed()
        return standing
    }
}

extension Ledger {
    /// Returns a member with its window of scores, read from the rows: those since its weights were last replaced.
    package func standing(
        rebuilding member: Population.Member, in record: ExperimentRecord
    ) throws -> Population.Member {
        try Standings.standing(rebuilding: member, window: record.experiment.exploit.window) {
            try interval($0, in: record)
        }
    }
}

extension Population {
    /// Creates an empty population for an experiment.
    package init(_ experiment: Experiment) {
        self.init(
            objective: experiment.objective, seed: experiment.seed, size: experiment.population,
            division: experiment.division)
    }
}

extension Experiment {
    /// Returns the standing of a member after an interval; nil if it has no finite score or no checkpoint to copy.
    package func standing(of interval: Interval, after before: Population.Member?) -> Population.Member? {
        guard interval.state == .done, let score = interval.score, interval.checkpoint != nil,
            !isRetired(interval.id.member)
        else { return nil }
        return Population.Member(
            id: interval.id.member, index: interval.id.index, depth: interval.depth, score: score,
            window: Array(((before?.window ?? []) + [score]).suffix(exploit.window)),
            hyperparameters: interval.hyperparameters)
    }
}
