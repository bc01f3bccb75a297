// SPDX-License-Identifier: Apache-2.0

/// The population of one experiment as of a number of finished intervals, kept between transactions.
///
/// A class, so that looking at 10,000 members copies none of them. Used by one transaction at a time.
package final class Standings {
    /// The members that can be ranked.
    package var population: Population
    /// How many intervals of the experiment had finished then.
    package var revision: Int64
    /// The number of the definition's revision by which they stand.
    package var definition: Int

    package init(population: Population, revision: Int64, definition: Int) {
        self.population = population
        self.revision = revision
        self.definition = definition
    }

    /// An empty population of an experiment.
    package convenience init(of record: ExperimentRecord) {
        self.init(
            population: Population(record.experiment), revision: 0, definition: record.revisionNumber)
    }

    /// Whether they stand by this definition; else they are to be read again.
    package func isCurrent(for record: ExperimentRecord) -> Bool {
        definition == record.revisionNumber && population.objective == record.experiment.objective
    }

    /// Sets or clears how a member stands.
    package func set(_ standing: Population.Member?, ofMember member: Int) {
        if let standing { population.update(standing) } else { population.remove(member) }
    }
}

extension Standings {
    /// A member as it stands, its window of scores found along its own parents.
    ///
    /// - Parameters:
    ///   - member: The member, with its last score.
    ///   - window: How many scores count.
    ///   - interval: Looks an interval up.
    /// - Returns: The member.
    /// - Throws: What `interval` throws.
    package static func standing(
        rebuilding member: Population.Member, window: Int, _ interval: (IntervalID) throws -> Interval?
    ) rethrows -> Population.Member {
        var scores = [member.score]
        if window > 1 {
            var ancestor = try interval(member.interval)?.parent
            while let id = ancestor, id.member == member.id, scores.count < window {
                guard let before = try interval(id), let score = before.score else { break }
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
    /// A member as it stands, its window of scores read from the rows: those since its weights were last replaced.
    package func standing(
        rebuilding member: Population.Member, in record: ExperimentRecord
    ) throws -> Population.Member {
        try Standings.standing(rebuilding: member, window: record.experiment.exploit.window) {
            try interval($0, in: record)
        }
    }
}

extension Population {
    /// An empty population of an experiment.
    package init(_ experiment: Experiment) {
        self.init(objective: experiment.objective, seed: experiment.seed, size: experiment.population)
    }
}

extension Experiment {
    /// How a member stands after an interval; none when its score is no finite number or nothing could be copied.
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
