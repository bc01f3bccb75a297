// SPDX-License-Identifier: Apache-2.0

import PBT

extension SearchSpace {
    /// The hyperparameters that explore may change to another value.
    var explorable: [String] {
        names.filter { name in
            guard let dimension = self[name], dimension.isMutable else { return false }
            if case .constant = dimension.domain { return false }
            if case .choice(let choice) = dimension.domain { return choice.values.count > 1 }
            return true
        }
    }

    /// Hyperparameters in which some are drawn anew.
    ///
    /// - Parameters:
    ///   - old: The hyperparameters.
    ///   - changed: The names of those to change.
    ///   - seed: The seed of the draws.
    /// - Returns: Hyperparameters that differ from the old ones in what is changed, where any draw did: neither so
    ///   little that it may not show, nor so much that training may break.
    func changed(_ old: Hyperparameters, _ changed: [String], seed: UInt64) -> Hyperparameters {
        var result = old
        // Members that no experiment has, so that no founder is repeated.
        let draws = (1...16).map { sample(seed: seed, member: -$0, index: 0) }
        for name in changed {
            let candidates = draws.compactMap { $0[name] }.filter { $0 != old[name] }
                .sorted { distance($0, old[name]) < distance($1, old[name]) }
            if !candidates.isEmpty { result[name] = candidates[candidates.count / 2] }
        }
        return result
    }

    private func distance(_ a: PBT.Value, _ b: PBT.Value?) -> Double {
        guard let a = a.double, let b = b?.double else { return 1 }
        // Relative, so that logarithmic ranges are spanned too.
        return abs(a - b) / max(abs(a) + abs(b), .leastNormalMagnitude)
    }
}
