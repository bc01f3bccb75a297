// SPDX-License-Identifier: Apache-2.0

import PBT

extension Dimension {
    /// Draws a value for a check; negative members exist in no experiment.
    fileprivate func sample(seed: UInt64, name: String) -> Value {
        var random = RandomStream(seed: seed, .sample, member: -1, index: 0, name: name)
        return sample(using: &random)
    }
}

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

    /// Returns hyperparameters with some values redrawn.
    ///
    /// - Parameters:
    ///   - old: The hyperparameters.
    ///   - changed: The names of those to change.
    ///   - seed: The seed of the draws.
    /// - Returns: Hyperparameters in which each of them has another value, if any draw differed: the median of the draws
    ///   by distance, far enough to have an effect, and not so far that training breaks.
    func changed(_ old: Hyperparameters, _ changed: [String], seed: UInt64) -> Hyperparameters {
        var result = old
        // Negative members exist in no experiment, so no founder is repeated.
        let draws = (1...16).map { sample(seed: seed, member: -$0, index: 0) }
        for name in changed {
            let candidates = draws.compactMap { $0[name] }.filter { $0 != old[name] }
                .sorted { distance($0, old[name]) < distance($1, old[name]) }
            if !candidates.isEmpty { result[name] = candidates[candidates.count / 2] }
        }
        guard !isIndependent else { return result }
        let settled = settled(result.values) { name, dimension in
            draws.lazy.compactMap { $0[name] }.first ?? dimension.sample(seed: seed, name: name)
        }
        // If these values do not go together, those of one draw do.
        guard !violated(by: settled).isEmpty else { return Hyperparameters(settled) }
        let whole = draws.first { draw in changed.contains { draw[$0] != old[$0] } && violated(by: draw.values).isEmpty
        }
        return whole ?? old
    }

    private func distance(_ a: PBT.Value, _ b: PBT.Value?) -> Double {
        guard let a = a.double, let b = b?.double else { return 1 }
        // Relative, so that it also works for logarithmic ranges.
        return abs(a - b) / max(abs(a) + abs(b), .leastNormalMagnitude)
    }
}
