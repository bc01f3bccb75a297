// SPDX-License-Identifier: Apache-2.0

/// A bandit that chooses one of several categories by what they gained in past rounds, several plays a round, while
/// the best one may change: TV.EXP3.M.
///
/// Source: Parker-Holder et al. 2021, "Tuning Mixed Input Hyperparameters on the Fly for Efficient Population Based
/// AutoRL" (arXiv 2106.15883), algorithm 2, with the constants of its code. The share of all weights that each category
/// gets back after every round is added to the weights only, so that the probabilities add up to 1 and none is below
/// γ/C. Categories are drawn one at a time, from the named stream of each decision.
package struct CategoryBandit: Sendable, Hashable {
    /// The number of categories, C.
    package let count: Int
    /// The number of rounds of the experiment, R: its intervals.
    private let rounds: Int
    private var weights: [Double]
    /// The number of plays of the last round, b; it determines how much is drawn at random.
    private var plays = 1

    /// Creates a bandit to which all categories are alike.
    ///
    /// - Parameters:
    ///   - count: The number of categories; at least 1.
    ///   - rounds: The number of rounds that there will be; at least 1.
    package init(of count: Int, rounds: Int) {
        precondition(count > 0 && rounds > 0, "a bandit has a category and a round at least")
        self.count = count
        self.rounds = rounds
        weights = Array(repeating: 1, count: count)
    }

    /// The share of draws that are uniform, γ.
    package var uniformShare: Double { Self.uniformShare(of: count, plays: plays, rounds: rounds) }

    private static func uniformShare(of count: Int, plays: Int, rounds: Int) -> Double {
        guard plays < count else { return 0.2 }
        let (c, b, r) = (Double(count), Double(plays), Double(rounds))
        let e = Mathematics.exp(1)
        return min(1, (c * Mathematics.log(c / b) / ((e - 1) * b * r / 10)).squareRoot())
    }

    /// The probability of each category.
    package var probabilities: [Double] {
        let (share, total) = (uniformShare, weights.reduce(0, +))
        return weights.map { (1 - share) * $0 / total + share / Double(count) }
    }

    /// Learns from a round.
    ///
    /// - Parameter played: The category of each play, and its reward from 0 to 1.
    package mutating func learn(from played: [(category: Int, reward: Double)]) {
        guard !played.isEmpty else { return }
        plays = played.count
        let (c, b) = (Double(count), Double(plays))
        let share = uniformShare
        let total = weights.reduce(0, +)
        // With fewer plays than categories a weight is capped where its category would be played in every play.
        let most = plays < count ? total * (1 / b - share / c) / (1 - share) : .infinity
        let probabilities = probabilities
        var rewards = Array(repeating: 0.0, count: count)
        for (category, reward) in played { rewards[category] += reward / (probabilities[category] * b) }
        var exponents = rewards.map { share * b / c * $0 }
        for category in 0..<count where share < 1 && weights[category] >= most { exponents[category] = 0 }
        // Many plays overflow; a common factor of all weights has no effect.
        let excess = max(0, (exponents.max() ?? 0) - 500)
        // e·ω/C of all weights, ω = 1/(10R).
        let returned = Mathematics.exp(1 - excess) / (10 * Double(rounds)) * total / c
        for category in 0..<count {
            weights[category] = weights[category] * Mathematics.exp(exponents[category] - excess) + returned
        }
        let sum = weights.reduce(0, +)
        for category in 0..<count { weights[category] /= sum }
    }

    /// Draws a category.
    package func drawn(using random: inout RandomStream) -> Int {
        random.index(weights: probabilities)
    }
}
