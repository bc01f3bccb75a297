// SPDX-License-Identifier: Apache-2.0

extension Experiment {
    /// The division of the members into sub-populations; nil if there are none.
    package var division: Division? {
        let count = exploit.subPopulations.count
        return count > 0
            ? Division(members: population, count: count, isInterleaved: exploit.dealing.isInterleaved) : nil
    }

    /// Returns the rule that changes the hyperparameters of a member.
    package func explore(ofMember member: Int) -> ExploreRule {
        guard let division else { return explore }
        return exploit.subPopulations[division.number(of: member)].explore ?? explore
    }

    /// All rules that change hyperparameters.
    package var exploreRules: [ExploreRule] {
        [explore] + exploit.subPopulations.compactMap(\.explore) + space.dimensions.values.compactMap(\.explore)
    }
}
