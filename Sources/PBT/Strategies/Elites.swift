// SPDX-License-Identifier: Apache-2.0

/// The best intervals of the past, to which members return when the whole population has become worse: backtracking.
///
/// After interval k the elites are the `count` best done intervals before k, of any members. The population has
/// *collapsed* if its best member is worse than the best elite by more than the tolerance, or if no member can be
/// ranked. Then no member continues and no member is a donor: each takes over the checkpoint and hyperparameters of an
/// elite that is better than itself by more than the tolerance, each of them equally likely, and explores. Otherwise
/// the exploit rule decides as without elites.
///
/// The gate and the rule's choice do not apply to a return, burn-in does. A lineage that returns is shorter than the
/// budget: ``Interval/depth`` counts what its checkpoint contains.
///
/// Needs ``Experiment/Decides/certain``. A decision that does not wait for all scores takes no elite.
///
/// Source: Zhang et al. 2021, "On the Importance of Hyperparameter Optimization for Model-based Reinforcement Learning"
/// (arXiv 2102.13651); as in Wan et al. 2022 (arXiv 2207.09405), members return to the best checkpoints ever.
public struct Elites: Sendable, Hashable {
    /// The number of elites, whose checkpoints are kept; 1 to 100.
    public var count: Int
    /// The loss that must be exceeded, in units of the score; 0 to 1e300.
    public var absolute: Double?
    /// The loss that must be exceeded, as a part of the magnitude of the elite's score; 0 to 1e6.
    public var relative: Double?

    /// Creates elites with a tolerance, all of which must be exceeded; an experiment needs at least one.
    public init(count: Int = 2, absolute: Double? = nil, relative: Double? = nil) {
        self.count = count
        self.absolute = absolute
        self.relative = relative
    }

    /// The comparison of an elite with a member.
    private var tolerance: ExploitGate { ExploitGate(absolute: absolute, relative: relative) }

    /// A collapse of the whole population: the reason why its members return to elites.
    public struct Collapse: Sendable, Hashable {
        /// The best elite.
        public var elite: Population.Member
        /// The best member; nil if none can be ranked.
        public var best: Population.Member?
        /// The comparison of the two; nil if no member can be ranked.
        public var verdict: ExploitGate.Verdict?
    }

    /// Returns the collapse of a population that knows its elites; nil if there is none.
    package func collapse(of population: Population) -> Collapse? {
        guard let elite = population.elites.first else { return nil }
        guard population.count > 0 else { return Collapse(elite: elite) }
        let best = population[rank: 0]
        let verdict = tolerance.verdict(on: elite, for: best, in: population)
        return verdict.passes ? Collapse(elite: elite, best: best, verdict: verdict) : nil
    }

    /// Returns the elites that a member may return to after a collapse, best first: at least one.
    package func candidates(for member: Population.Member?, in population: Population) -> [Population.Member] {
        guard let member else { return population.elites }
        return population.elites.filter { tolerance.verdict(on: $0, for: member, in: population).passes }
    }
}

extension Elites {
    /// The elites as in an experiment file.
    package var value: Value {
        var object: [String: Value] = ["count": .integer(count)]
        object["absolute"] = absolute.map { .number($0) }
        object["relative"] = relative.map { .number($0) }
        return .object(object)
    }
}
