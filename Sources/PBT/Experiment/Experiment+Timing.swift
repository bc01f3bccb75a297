// SPDX-License-Identifier: Apache-2.0

extension Experiment {
    /// True if decisions compare the scores that members have at the same index, and are made when they are certain.
    ///
    /// Members that never exchange need no decision but at the rungs of successive halving, and members that come at
    /// any time have no generations.
    package var waitsForCertainty: Bool {
        decides == .certain && !isSynchronous && !takesMembers
            && (kind == .populationBasedTraining && exploit.hasDonors || halving != nil)
    }

    /// The number of checkpoints that are kept, beyond those of the members' latest intervals, for decisions that wait
    /// for certainty: an estimate for two generations that are not complete.
    package var possibleDonors: Int {
        guard waitsForCertainty, halving == nil else { return 0 }
        let donors =
            if case .truncation(_, let top) = exploit.kind {
                2 * ExploitRule.count(of: top, among: population)
            } else if division != nil {
                2 * exchangeDonors
            } else {
                exploit.kind == .best ? 2 : population
            }
        return donors.adding(saturating: (elites?.count ?? 0).multiplied(saturatingBy: 2))
    }
}
